import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger } from '#src/core/logger.ts'
import { startPostgres } from '#src/postgres-engine/start-postgres.ts'

/** Where the global set-up leaves the address of the run's one PostgreSQL for every test process. */
export const SERVER_VARIABLE = 'SAMACONSO_TEST_PG_URL'

export interface TestServer {
  readonly url: string
  close(): Promise<void>
}

/** A PostgreSQL in a temporary folder. What it holds need not survive a crash of the machine, so it does not wait for the disk. */
export async function startTestServer(): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'samaconso-test-'))
  const postgres = await startPostgres({
    dataDir: join(folder, 'postgres'),
    superuser: 'samaconso',
    password: 'for the tests alone',
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' },
    log: createLogger('warn', process.stderr),
  })
  return {
    url: postgres.url('postgres'),
    close: async () => {
      await postgres.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The run's one server; files that are run without the set-up say how to run them. */
export function testServerUrl(): string {
  const url = process.env[SERVER_VARIABLE]
  if (url === undefined)
    throw new Error('no PostgreSQL for the tests: run them by `npm test -- FILE`, which starts one')
  return url
}
