import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { createSourceTables } from '#src/simulators/sic/data/create-tables.ts'
import { testDatabase } from '#test/support/database.ts'

export interface SourceDatabase extends AsyncDisposable {
  readonly url: string
  readonly db: Kysely<unknown>
}

/** A database with the utility's own tables, all empty. */
export async function sourceDatabase(): Promise<SourceDatabase> {
  const database = await testDatabase({ empty: true })
  const { url } = database
  const pool = new pg.Pool({ connectionString: url })
  // The database is dropped by force, perhaps before the server has seen the last connection close.
  pool.on('error', () => {})
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  await createSourceTables(db)
  return {
    url,
    db,
    async [Symbol.asyncDispose]() {
      await db.destroy()
      await database.close()
    },
  }
}
