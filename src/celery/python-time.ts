const ISO =
  /^(?<date>\d{4}-\d{2}-\d{2})(?:[T ](?<time>\d{2}:\d{2}(?::\d{2})?)(?:[.,](?<fraction>\d{1,9}))?(?<zone>Z|[+-]\d{2}(?::?\d{2})?)?)?$/

/**
 * A moment as every Celery version reads it, such as `2026-11-22T07:37:16.165000+00:00`. Always six digits of a
 * second: Celery 5.2 takes `.123` for 123 microseconds.
 *
 * @param atMs milliseconds since 1970 UTC
 */
export function formatPythonTime(atMs: number): string {
  const [seconds] = new Date(Math.floor(atMs)).toISOString().split('.')
  const micros = Math.floor((atMs - Math.floor(atMs / 1000) * 1000) * 1000)
  return `${seconds}.${String(micros).padStart(6, '0')}+00:00`
}

/** Milliseconds since 1970 UTC, with a fraction; undefined when the text is no ISO 8601 time. Without an offset it is UTC. */
export function parsePythonTime(text: string): number | undefined {
  const { date, time, fraction, zone } = ISO.exec(text)?.groups ?? {}
  if (date === undefined) return undefined
  const clock = time === undefined ? '00:00:00' : time.padEnd(8, ':00')
  const atMs = Date.parse(`${date}T${clock}Z`)
  // Date.parse lets 31 February through as 3 March.
  if (Number.isNaN(atMs) || !new Date(atMs).toISOString().startsWith(date)) return undefined
  return atMs + Number(`0.${fraction ?? '0'}`) * 1000 - offsetMs(zone)
}

function offsetMs(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z') return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(3).replace(':', '') || '0')
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}
