import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'

const MIGRATIONS = join(import.meta.dirname, '../../migrations')
/** Any number, the same in every release: the lock under which one process migrates while others wait. */
const LOCK_KEY = 728_362_001

export interface Migration {
  readonly version: number
  readonly name: string
  readonly sql: string
  readonly checksum: string
}

/** The database was left by a newer release, or an applied migration was edited: nothing was changed. */
export class MigrationRefused extends Error {
  override readonly name = 'MigrationRefused'
}

/**
 * Brings the database at `url` (direct port: PgBouncer has no place here) up to this release, and returns
 * the names of what was applied. Each file is one transaction under one lock, so that two starting processes
 * do not collide and a failed file leaves nothing behind.
 */
export async function migrate(url: string, migrations?: readonly Migration[]): Promise<string[]> {
  const known = migrations ?? (await readMigrations())
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  await client.connect()
  try {
    const applied: string[] = []
    for (const migration of known) {
      if (await applyOnce(client, migration, known)) applied.push(migration.name)
    }
    return applied
  } finally {
    await client.end()
  }
}

/** The numbered files of migrations/, in order. */
export async function readMigrations(folder: string = MIGRATIONS): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).toSorted()
  return Promise.all(
    names.map(async (name, index) => {
      const version = Number.parseInt(name, 10)
      if (version !== index + 1) throw new Error(`migrations/${name} should be number ${index + 1}: no gaps, no twins`)
      const sql = await readFile(join(folder, name), 'utf8')
      return { version, name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

async function applyOnce(client: pg.Client, migration: Migration, known: readonly Migration[]): Promise<boolean> {
  await client.query('begin')
  try {
    await client.query("set local lock_timeout = '10s'")
    await client.query('select pg_advisory_xact_lock($1)', [LOCK_KEY])
    await client.query(`create table if not exists schema_migration (
      version integer primary key, name text not null, checksum text not null, applied_at timestamptz not null default now())`)
    const { rows } = await client.query<{ version: number; checksum: string }>(
      'select version, checksum from schema_migration order by version',
    )
    refuseForeign(rows, known)
    const isNew = !rows.some((row) => row.version === migration.version)
    if (isNew) {
      await client.query(migration.sql)
      await client.query('insert into schema_migration (version, name, checksum) values ($1, $2, $3)', [
        migration.version,
        migration.name,
        migration.checksum,
      ])
    }
    await client.query('commit')
    return isNew
  } catch (error) {
    // A lost connection fails the rollback too; the first error is the one to tell.
    await client.query('rollback').catch(() => undefined)
    throw error
  }
}

function refuseForeign(applied: readonly { version: number; checksum: string }[], known: readonly Migration[]): void {
  for (const row of applied) {
    const ours = known.find((migration) => migration.version === row.version)
    if (ours === undefined) {
      throw new MigrationRefused(
        `the database is of a newer release (migration ${row.version}; this one knows ${known.length}): start that release, or restore a backup`,
      )
    }
    if (ours.checksum !== row.checksum) {
      throw new MigrationRefused(`migration ${ours.name} was changed after it had been applied: add a new one instead`)
    }
  }
}
