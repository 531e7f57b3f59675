/** The same tests with the Celery that Debian 12 and Ubuntu 22.04 have. */
export async function withCelery52(load: () => Promise<unknown>): Promise<void> {
  process.env['INTEROP_CELERY'] = 'celery-5.2.6'
  await load()
}
