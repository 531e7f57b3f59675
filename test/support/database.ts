import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { migrate } from '#src/database/migrate.ts'
import { testServerUrl } from '#test/support/postgres-server.ts'

export interface TestDatabase {
  readonly url: string
  close(): Promise<void>
}

const TEMPLATE = 'samaconso_template'

export interface TestDatabaseOptions {
  /** As PostgreSQL makes it, in place of migrated. @default false */
  readonly empty?: boolean
  /** @default the run's one server */
  readonly serverUrl?: string
}

/** A database of one's own. Dropped by `close`. */
export async function testDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { empty = false, serverUrl = testServerUrl() } = options
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await onServer(serverUrl, async (client) => {
    if (!empty) await makeTemplate(client, serverUrl)
    await client.query(`create database ${name} template ${empty ? 'template0' : TEMPLATE}`)
  })
  return {
    url: databaseUrl(serverUrl, name),
    close: () => onServer(serverUrl, async (client) => void (await client.query(`drop database ${name} with (force)`))),
  }
}

/** Migrating takes a second, copying a migrated database a tenth of it. Test files run at the same time: the lock lets one make it. */
async function makeTemplate(client: pg.Client, serverUrl: string): Promise<void> {
  await client.query('select pg_advisory_lock(1)')
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1 and datistemplate', [TEMPLATE])
    if (rowCount === 1) return
    await client.query(`drop database if exists ${TEMPLATE}`)
    await client.query(`create database ${TEMPLATE} template template0`)
    await migrate(databaseUrl(serverUrl, TEMPLATE))
    await client.query(`alter database ${TEMPLATE} is_template true`)
  } finally {
    await client.query('select pg_advisory_unlock(1)')
  }
}

async function onServer(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return url.href
}
