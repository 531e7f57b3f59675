import pg from 'pg'
import type { CloseStack } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import { migrate } from '#src/database/migrate.ts'
import { startPostgres } from '#src/postgres-engine/start-postgres.ts'
import { homePaths, type Secrets, writePrivate } from './home.ts'

export interface Engine {
  /** The product's database. */
  readonly databaseUrl: string
  /** What stands behind the simulated SQL Servers. */
  readonly sourcesUrl: string
}

export interface EngineOptions {
  readonly home: string
  readonly secrets: Secrets
  /** Another PostgreSQL for the product; the simulated sources stay in ours. */
  readonly databaseUrl: string | undefined
}

const SUPERUSER = 'samaconso'

/** The embedded PostgreSQL with both databases, up to this release, its address noted for the commands beside. */
export async function startEngine(options: EngineOptions, log: Logger, opened: CloseStack): Promise<Engine> {
  const { secrets } = options
  const paths = homePaths(options.home)
  const postgres = await startPostgres({
    dataDir: paths.postgres,
    superuser: SUPERUSER,
    password: secrets.databasePassword,
    log,
  })
  opened.add('postgres', postgres)
  await createDatabases(postgres.url('postgres'), ['samaconso', 'sources'])
  const databaseUrl = options.databaseUrl ?? postgres.url('samaconso')
  const applied = await migrate(databaseUrl)
  if (applied.length > 0) log.info({ migrations: applied }, 'the database was brought up to this release')
  await writePrivate(paths.running, JSON.stringify({ databaseUrl }))
  return { databaseUrl, sourcesUrl: postgres.url('sources') }
}

async function createDatabases(adminUrl: string, names: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ datname: string }>('select datname from pg_database')
    const existing = new Set(rows.map((row) => row.datname))
    for (const name of names) {
      if (!existing.has(name)) await client.query(`create database ${pg.escapeIdentifier(name)}`)
    }
  } finally {
    await client.end()
  }
}
