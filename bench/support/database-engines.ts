import { createLogger } from '#src/core/logger.ts'
import { openDatabase } from '#src/database/database.ts'
import { migrate } from '#src/database/migrate.ts'
import { startPgbouncer } from '#test/support/pgbouncer.ts'
import { startTestServer } from '#test/support/postgres-server.ts'
import { insertPeople, personAt } from './people.ts'

const ACCOUNTS = 1_000

/** A migrated PostgreSQL with accounts, and PgBouncer with the settings of production before it. */
export interface DatabaseEngines {
  readonly directUrl: string
  readonly pooledUrl: string
  readonly accountIds: readonly string[]
}

export async function databaseEngines(opened: AsyncDisposableStack): Promise<DatabaseEngines> {
  const server = await startTestServer()
  opened.defer(() => server.close())
  await migrate(server.url)
  const people = Array.from({ length: ACCOUNTS }, (_, place) => personAt(place))
  const database = openDatabase({ url: server.url, log: createLogger('warn', process.stderr) })
  await insertPeople(database.db, people, 'nobody logs in')
  await database.close()
  const pgbouncer = opened.use(await startPgbouncer({ databaseUrl: server.url }))
  return {
    directUrl: server.url,
    pooledUrl: pgbouncer.through(server.url),
    accountIds: people.map(({ id }) => id),
  }
}
