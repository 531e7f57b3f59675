import { after, before, test } from 'node:test'
import { createLogger } from '#src/core/logger.ts'
import { type Database, openDatabase } from '#src/database/database.ts'
import { agreeOnSending } from '#test/conformance/sending-store.ts'
import { type TestDatabase, testDatabase } from '#test/support/database.ts'

const SEQUENCES = 200

let fresh: TestDatabase
let database: Database
before(async () => {
  fresh = await testDatabase()
  database = openDatabase({ url: fresh.url, log: createLogger('fatal'), maxConnections: 2 })
})
after(async () => {
  await database.close()
  await fresh.close()
})

test('the memory that the simulation sends over does what PostgreSQL does', async () => {
  for (let seed = 1; seed <= SEQUENCES; seed += 1) await agreeOnSending(database.db, seed)
})
