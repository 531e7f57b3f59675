import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import type { Static } from 'typebox'
import { addDays, startOf } from '#src/core/calendar.ts'
import type { Db } from '#src/database/database.ts'
import type { Entry } from '#src/modules/consumption/entry.ts'
import { storeReading } from '#src/modules/consumption/store-reading.ts'
import type { ExportAnswer } from '#src/modules/export/schemas.ts'
import { aHousehold, type ConsumptionApi, consumptionApi, TEST_NOW } from '#test/support/consumption-api.ts'

const FROM = '2016-01-01'
const TO = '2026-01-01'
const DAYS = 3_653
/** More than a page of the export. */
const ENTRIES = 603
/** As many as one export may have. */
const MOST = 100_000

let api: ConsumptionApi
let household: Awaited<ReturnType<typeof aHousehold>>

before(async () => {
  api = await consumptionApi()
  household = await aHousehold(api.db, 'prepaid', 'postpaid')
})
after(() => api[Symbol.asyncDispose]())

/** As the source tells it for the n-th time: every entry costs n francs, and most have moved, some of them far. */
function told(version: number): Entry[] {
  return Array.from({ length: ENTRIES - version }, (_, place) => {
    const day = addDays(FROM, (place * 3 + version * 1_217 * (place % 4)) % DAYS)
    const delivered = { NUMERO_COMMANDE: `${place}` }
    return {
      sourceKey: `order-${place}`,
      day,
      occurredAt: startOf(day),
      energyWh: version * 1_000,
      amountXof: version,
      delivered,
    }
  })
}

const readAtOf = (version: number): Date => new Date(TEST_NOW - 60_000 + version)

/** Lands for each meter, one after the other. */
async function correctTo(version: number): Promise<void> {
  const [range, readAt, entries] = [{ from: FROM, to: TO }, readAtOf(version), told(version)]
  for (const { id } of household.meters) {
    await storeReading(api.db, { meterId: id, range, isWholeHistory: true, entries, readAt })
  }
}

/** Whichever version the file says that it has of a meter, it holds that one, all of it, and nothing of another. */
function versionsOf(text: string): number[] {
  const file = JSON.parse(text) as Static<typeof ExportAnswer>
  return file.meters.map(({ meter_id: id, as_of: asOf }) => {
    assert.ok(asOf !== null)
    const version = Date.parse(asOf) - readAtOf(0).getTime()
    const entries = file.entries.filter((entry) => entry.meter_id === id)
    assert.deepEqual(new Set(entries.map((entry) => entry.amount_xof)), new Set([version]))
    assert.equal(new Set(entries.map((entry) => entry.reference)).size, entries.length)
    assert.equal(entries.length, ENTRIES - version)
    return version
  })
}

const exportOf = (query: string): string =>
  `/api/consumption/${household.id}/export?from=${FROM}&to=${TO}&format=json${query}`

/** The same database; `meanwhile` happens between a statement's answer, of this number from 1, and whoever asked. */
function afterStatement(db: Db, number: number, meanwhile: () => Promise<void>): Db {
  let answered = 0
  return db.withPlugin({
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      answered += 1
      if (answered === number) await meanwhile()
      return result
    },
  })
}

test('a correction that lands while an export is made is wholly in it, or wholly out of it', async () => {
  await correctTo(1)
  const seen = new Set<'before' | 'after'>()
  let statement = 0
  for (let hasLanded = true; hasLanded;) {
    statement += 1
    hasLanded = false
    const db = afterStatement(api.db, statement, async () => {
      hasLanded = true
      await correctTo(statement + 1)
    })
    const response = await api.get({ id: household.id }, exportOf(''), { app: await api.another({ db }) })
    const [version, other] = versionsOf(response.body)
    assert.equal(version, other)
    if (hasLanded) seen.add(version === statement ? 'before' : 'after')
  }
  assert.deepEqual(seen, new Set(['before', 'after']))
})

test('a correction that lands at any moment of it does not show by half either', async () => {
  const meterId = household.meters[0]?.id
  await correctTo(20)
  for (let version = 21; version <= 30; version += 1) {
    const [{ body }] = await Promise.all([
      api.get({ id: household.id }, exportOf(`&meter_id=${meterId}`)),
      correctTo(version),
    ])
    versionsOf(body)
  }
})

test('what would not fit is refused, and says what to ask for; the most that fits is sent', async () => {
  const { id, meters } = await aHousehold(api.db, 'prepaid', 'postpaid')
  const [one, other] = meters
  assert.ok(one && other)
  await giveEntries(one.id, MOST)
  await giveEntries(other.id, 1)
  const url = `/api/consumption/${id}/export?from=${FROM}&to=${TO}`
  const refused = await api.get({ id }, url)
  assert.deepEqual([refused.statusCode, refused.json<{ code: string }>().code], [400, 'export/too-large'])
  assert.deepEqual(refused.json<{ most: number }>().most, MOST)
  const sent = await api.get({ id }, `${url}&meter_id=${one.id}`)
  assert.deepEqual([sent.statusCode, sent.body.split('\r\n').length], [200, MOST + 2])
  assert.equal((await api.get({ id }, url.replace(FROM, '2025-12-31'))).statusCode, 200)
})

async function giveEntries(meterId: string, count: number): Promise<void> {
  await sql`
    insert into consumption_entry (meter_id, day, source_key, occurred_at, energy_kwh, amount_xof, delivered, fetched_at)
    select ${meterId}::uuid, ${FROM}::date + place % ${DAYS}::int, place::text, now(), 1, 1, '{}', now()
    from generate_series(1, ${count}::int) as place`.execute(api.db)
  const now = new Date(TEST_NOW)
  const state = { read_at: now, whole_history_at: now, has_months: false, is_idle: false }
  await api.db
    .insertInto('meter_reading_state')
    .values({ meter_id: meterId, ...state })
    .execute()
}
