import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { type Database, openDatabase } from '#src/database/database.ts'
import { type IssuedCode, OneTimeCodes } from '#src/modules/one-time-codes/one-time-codes.ts'
import { pruneOneTimeCodes } from '#src/modules/one-time-codes/upkeep.ts'
import { type TestDatabase, testDatabase } from '#test/support/database.ts'
import { aCustomer, aPhone } from '#test/support/factories.ts'
import { captureLog } from '#test/support/log.ts'
import { MemorySms } from '#test/support/memory-sms.ts'

const MINUTE_MS = 60_000

let fresh: TestDatabase
let database: Database
let now = Date.parse('2026-03-15T10:00:00Z')
const sms = new MemorySms()
before(async () => {
  fresh = await testDatabase()
  database = openDatabase({ url: fresh.url, log: captureLog().log })
})
after(async () => {
  await database.close()
  await fresh.close()
})

const codesWith = (secret: string): OneTimeCodes => new OneTimeCodes({ clock: () => now, sms, secret })
const subjectOf = (accountId: string) =>
  ({ accountId, purpose: 'meter_owner', subjectId: crypto.randomUUID() }) as const

function issue(codes: OneTimeCodes, accountId: string, phone: string, subject = subjectOf(accountId)) {
  return database.db.transaction().execute((tx) => codes.issue(tx, subject, phone, 'fr'))
}

const digitsOf = ({ text }: IssuedCode): string => /\d{6}/.exec(text)?.[0] ?? ''

suite('one-time codes', () => {
  test('an account gets 5 an hour and 10 a day, whatever they are for', async () => {
    const [codes, { id }] = [codesWith('secret'), await aCustomer(database.db)]
    const sentAt: number[] = []
    const start = now
    for (let minute = 0; minute < 30 * 60; minute += 20) {
      await issue(codes, id, aPhone()).then(
        () => sentAt.push(minute),
        (error: Error & { code?: string }) => assert.equal(error.code, 'one-time-codes/too-many'),
      )
      now += 20 * MINUTE_MS
    }
    assert.deepEqual(sentAt.slice(0, 10), [0, 20, 40, 60, 80, 100, 120, 140, 160, 180])
    assert.ok((sentAt[10] ?? 0) >= 24 * 60, 'the eleventh comes the next day')
    now = start
  })

  test('five within minutes, then a wait of the rest of the hour that is told', async () => {
    const [codes, { id }] = [codesWith('secret'), await aCustomer(database.db)]
    for (let count = 0; count < 5; count += 1) {
      await issue(codes, id, aPhone())
      now += MINUTE_MS
    }
    const error: unknown = await issue(codes, id, aPhone()).catch((thrown: unknown) => thrown)
    assert.ok(error instanceof Error && 'retryAfterSeconds' in error)
    assert.equal(error.retryAfterSeconds, 55 * 60)
  })

  test('a phone gets no more of them from several accounts, also at the same moment', async () => {
    const codes = codesWith('secret')
    const phone = aPhone()
    const people = await Promise.all(Array.from({ length: 6 }, () => aCustomer(database.db)))
    const outcomes = await Promise.allSettled(people.map(({ id }) => issue(codes, id, phone)))
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  })

  test('what is stored tells no code: not the row, and not under another key', async () => {
    const [codes, { id }] = [codesWith('secret'), await aCustomer(database.db)]
    const subject = subjectOf(id)
    const issued = await issue(codes, id, aPhone(), subject)
    const row = await database.db.selectFrom('one_time_code').selectAll().where('account_id', '=', id).execute()
    // By themselves: six digits inside an id are six others.
    const code = new RegExp(`\\b${digitsOf(issued)}\\b`)
    assert.doesNotMatch(JSON.stringify(row.map(({ code_hash: _hash, ...rest }) => rest)), code)
    assert.equal(row[0]?.code_hash.length, 32)
    const check = (by: OneTimeCodes) =>
      database.db.transaction().execute((tx) => by.check(tx, subject, digitsOf(issued)))
    assert.equal((await check(codesWith('another secret'))).kind, 'wrong')
    assert.equal((await check(codes)).kind, 'right')
  })

  test('a code is for its own account and subject', async () => {
    const codes = codesWith('secret')
    const [one, other] = [await aCustomer(database.db), await aCustomer(database.db)]
    const subject = subjectOf(one.id)
    const code = digitsOf(await issue(codes, one.id, one.phone, subject))
    const check = (who: typeof subject) => database.db.transaction().execute((tx) => codes.check(tx, who, code))
    assert.equal((await check({ ...subject, accountId: other.id })).kind, 'none')
    assert.equal((await check(subjectOf(one.id))).kind, 'none')
    assert.deepEqual(await check(subject), { kind: 'right', phone: one.phone })
  })

  test('codes are forgotten after a day, and those that count are not', async () => {
    const [codes, { id, phone }] = [codesWith('secret'), await aCustomer(database.db)]
    await issue(codes, id, phone)
    now += 23 * 60 * MINUTE_MS
    const recentAt = new Date(now)
    await issue(codes, id, phone)
    now += 60 * MINUTE_MS + 1
    await pruneOneTimeCodes(database.db, now)
    const rows = await database.db.selectFrom('one_time_code').select('sent_at').where('account_id', '=', id).execute()
    assert.deepEqual(rows, [{ sent_at: recentAt }])
  })
})
