import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import pg from 'pg'
import { describeSchema } from './describe-schema.ts'
import { migrate, type Migration, MigrationRefused, readMigrations } from '#src/database/migrate.ts'
import { testDatabase } from '#test/support/database.ts'

async function withEmptyDatabase(work: (url: string) => Promise<void>): Promise<void> {
  const database = await testDatabase({ empty: true })
  try {
    await work(database.url)
  } finally {
    await database.close()
  }
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<Record<string, unknown>>(text)
    return rows
  } finally {
    await client.end()
  }
}

function step(version: number, sql: string): Migration {
  return { version, name: `${version}.sql`, sql, checksum: sql }
}

test('an empty database is built, and building it again changes nothing', () =>
  withEmptyDatabase(async (url) => {
    const migrations = await readMigrations()
    assert.deepEqual(
      await migrate(url),
      migrations.map(({ name }) => name),
    )
    assert.deepEqual(await migrate(url), [])
  }))

test('schema.sql is what the migrations make (npm run generate writes it)', () =>
  withEmptyDatabase(async (url) => {
    await migrate(url)
    const kept = await readFile(new URL('../../schema.sql', import.meta.url), 'utf8')
    assert.equal(await describeSchema(url), kept)
    await query(url, 'alter table account add column canary text')
    assert.notEqual(await describeSchema(url), kept, 'the comparison must see a new column')
  }))

test('processes that start together do not collide', () =>
  withEmptyDatabase(async (url) => {
    const outcomes = await Promise.all([migrate(url), migrate(url), migrate(url)])
    const migrations = await readMigrations()
    assert.deepEqual(
      outcomes.flat().toSorted(),
      migrations.map(({ name }) => name),
    )
  }))

test('a migration that fails leaves nothing of itself, and what came before it stays', () =>
  withEmptyDatabase(async (url) => {
    const steps = [step(1, 'create table one ()'), step(2, 'create table two (); select 1 / 0')]
    await assert.rejects(migrate(url, steps), /division by zero/)
    const tables = await query(url, "select relname from pg_class where relname in ('one', 'two')")
    assert.deepEqual(tables, [{ relname: 'one' }])
    assert.deepEqual(await migrate(url, [step(1, 'create table one ()'), step(2, 'create table two ()')]), ['2.sql'])
  }))

test('a database of a newer release and an edited migration are refused untouched', () =>
  withEmptyDatabase(async (url) => {
    const both = [step(1, 'create table one ()'), step(2, 'create table two ()')]
    await migrate(url, both)
    await assert.rejects(
      migrate(url, both.slice(0, 1)),
      (error) => error instanceof MigrationRefused && /newer release/.test(error.message),
    )
    const edited = [step(1, 'create table one (id int)'), both[1]!]
    await assert.rejects(
      migrate(url, edited),
      (error) => error instanceof MigrationRefused && /changed after/.test(error.message),
    )
  }))
