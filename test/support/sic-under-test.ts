import { createLogger } from '#src/core/logger.ts'
import type { SqlServerOptions } from '#src/adapters/meter-source/sqlserver/options.ts'
import { insertRows, rowOf } from '#src/simulators/sic/data/insert-rows.ts'
import { findSourceTable } from '#src/simulators/sic/data/tables.ts'
import type { Faults } from '#src/simulators/sic/faults.ts'
import { startSicServer } from '#src/simulators/sic/server.ts'
import { type SourceDatabase, sourceDatabase } from '#test/support/source-database.ts'

const LOGIN = 'samaconso_reader'
const PASSWORD = 'for-the-tests-alone-1'

export interface SicUnderTest extends AsyncDisposable {
  readonly port: number
  /** What clients must trust; undefined without encryption. */
  readonly certificateAuthority: string | undefined
  readonly source: SourceDatabase
  /** Change them at any time. */
  readonly faults: Faults
  /** How to reach it, with timeouts that nothing but what hangs runs into, also on a busy machine. */
  options(database: 'SIC' | 'HISTH2MC' | 'BI_ODS', changed?: Partial<SqlServerOptions>): SqlServerOptions
  /** Columns that are not given are null. */
  insert(table: string, rows: readonly Readonly<Record<string, string | null>>[]): Promise<void>
}

/** The simulated SIC and Postpaid databases over empty tables, on a free port. */
export async function sicUnderTest(
  encryption: 'off' | 'login' | 'all' = 'off',
  tls: { readonly onlyTls?: 'TLSv1' } = {},
): Promise<SicUnderTest> {
  const source = await sourceDatabase()
  const server = await startSicServer({
    host: '127.0.0.1',
    port: 0,
    databaseUrl: source.url,
    login: LOGIN,
    password: PASSWORD,
    encryption,
    ...tls,
    log: createLogger('error', process.stderr),
  })
  return {
    port: server.port,
    certificateAuthority: server.certPem,
    source,
    faults: server.faults,
    options: (database, changed = {}) => ({
      host: '127.0.0.1',
      port: server.port,
      database,
      user: LOGIN,
      password: PASSWORD,
      encrypt: 'off',
      trustServerCertificate: true,
      connectTimeoutMs: 10_000,
      queryTimeoutMs: 10_000,
      poolMax: 4,
      ...changed,
    }),
    async insert(name, rows) {
      const table = findSourceTable(name)
      if (table === undefined) throw new Error(`no source table ${name}`)
      await insertRows(
        source.db,
        table,
        rows.map((row) => rowOf(table, row)),
      )
    },
    async [Symbol.asyncDispose]() {
      await server.close()
      await source[Symbol.asyncDispose]()
    },
  }
}
