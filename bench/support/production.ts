import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger } from '#src/core/logger.ts'
import { startPostgres } from '#src/postgres-engine/start-postgres.ts'
import { SERVER_VARIABLE } from '#test/support/postgres-server.ts'
import { type RealSystem, realSystem } from '#test/support/real-system.ts'

/** A commit waits for the disk, as in production; the memory is a part of what the database server has. */
const SETTINGS = { max_connections: '100', shared_buffers: '512MB', max_wal_size: '4GB' }

/** PostgreSQL, PgBouncer, RabbitMQ and Redis as in production, an FCM beside, and none of our processes yet. */
export async function productionEngines(opened: AsyncDisposableStack): Promise<RealSystem> {
  const folder = await mkdtemp(join(tmpdir(), 'samaconso-bench-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  const postgres = await startPostgres({
    dataDir: join(folder, 'postgres'),
    superuser: 'samaconso',
    password: 'for the benchmark alone',
    settings: SETTINGS,
    log: createLogger('warn', process.stderr),
  })
  opened.defer(() => postgres.close())
  process.env[SERVER_VARIABLE] = postgres.url('postgres')
  return opened.use(await realSystem())
}
