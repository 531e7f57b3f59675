import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { type TestDatabase, testDatabase } from '#test/support/database.ts'
import { type Pgbouncer, startPgbouncer } from '#test/support/pgbouncer.ts'

let database: TestDatabase
let pgbouncer: Pgbouncer
let url: string
before(async () => {
  database = await testDatabase()
  pgbouncer = await startPgbouncer({ databaseUrl: database.url })
  url = pgbouncer.through(database.url)
})
after(async () => {
  await pgbouncer?.[Symbol.asyncDispose]()
  await database?.close()
})

test('a connection of ours belongs to a client for one transaction only', async () => {
  const clients = await Promise.all([connect(), connect()])
  try {
    const [first, second] = clients
    const idle = await backendOf(first)
    assert.equal(await backendOf(second), idle, 'outside of a transaction clients share a server connection')
    await first.query('begin')
    const held = await backendOf(first)
    assert.notEqual(await backendOf(second), held, 'within one they do not')
    await first.query('rollback')
  } finally {
    await Promise.all(clients.map((client) => client.end()))
  }
})

test('more clients than server connections are served', async () => {
  const clients = await Promise.all(Array.from({ length: 150 }, connect))
  try {
    const backends = new Set(await Promise.all(clients.map(backendOf)))
    assert.ok(backends.size <= 100, `${backends.size} server connections for ${clients.length} clients`)
  } finally {
    await Promise.all(clients.map((client) => client.end()))
  }
})

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
}

async function backendOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]?.pid ?? 0
}
