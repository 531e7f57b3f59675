import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { sql } from 'kysely'
import pg from 'pg'
import { createLogger } from '#src/core/logger.ts'
import { openDatabase } from '#src/database/database.ts'
import { testDatabase } from '#test/support/database.ts'
import { startPgbouncer } from '#test/support/pgbouncer.ts'

const direct = await testDatabase()
const bouncer = await startPgbouncer({ databaseUrl: direct.url })
after(async () => {
  await bouncer[Symbol.asyncDispose]()
  await direct.close()
})
const url = bouncer.through(direct.url)

test('our statements and transactions need nothing of a session', async () => {
  const database = openDatabase({ url, log: createLogger('silent'), maxConnections: 20 })
  try {
    const sums = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        database.db.transaction().execute(async (tx) => {
          const { rows } = await sql<{ sum: number }>`select ${n}::int + 1 as sum`.execute(tx)
          const again = await sql<{ sum: number }>`select ${rows[0]!.sum}::int + 1 as sum`.execute(tx)
          return again.rows[0]!.sum
        }),
      ),
    )
    assert.deepEqual(
      sums,
      Array.from({ length: 200 }, (_, n) => n + 2),
    )
  } finally {
    await database.close()
  }
})

test('clients share server connections by the transaction', async () => {
  const clients = Array.from({ length: 50 }, () => new pg.Client({ connectionString: url }))
  try {
    const servers = new Set<number>()
    for (const client of clients) {
      await client.connect()
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
      servers.add(rows[0]!.pid)
    }
    assert.ok(servers.size < clients.length / 2, `${servers.size} server connections`)
  } finally {
    for (const client of clients) await client.end()
  }
})
