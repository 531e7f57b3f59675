import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CloseStack } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import { startPostgres } from '#src/postgres-engine/start-postgres.ts'

/** A PostgreSQL that goes with this process, folder and all; its address. */
export async function temporaryPostgres(log: Logger, opened: CloseStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'samaconso-sic-'))
  opened.defer('temporary folder', () => rm(folder, { recursive: true, force: true }))
  const postgres = opened.add(
    'postgres',
    await startPostgres({
      dataDir: join(folder, 'postgres'),
      superuser: 'simulator',
      password: randomBytes(24).toString('base64url'),
      log,
    }),
  )
  return postgres.url('postgres')
}
