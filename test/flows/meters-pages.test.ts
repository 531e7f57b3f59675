import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import fc from 'fast-check'
import { addDays, dayOf, startOf } from '#src/core/calendar.ts'
import { CloseStack } from '#src/core/lifecycle.ts'
import { createLogger } from '#src/core/logger.ts'
import { openDatabase } from '#src/database/database.ts'
import { type Entry, fromBill, fromSale } from '#src/modules/consumption/entry.ts'
import { storeReading } from '#src/modules/consumption/store-reading.ts'
import { entryPage } from '#src/modules/meters/entry-page.ts'
import { customerAt } from '#src/roles/generate/customer.ts'
import { fillCustomers } from '#src/roles/generate/fill.ts'
import { planClient, readsOf } from '#test/plans/plan.ts'
import { recorderOf } from '#test/plans/recorder.ts'
import { aHousehold, type ConsumptionApi, consumptionApi, TEST_NOW } from '#test/support/consumption-api.ts'
import { aBill, aSale } from '#test/support/consumption-sources.ts'
import { testDatabase } from '#test/support/database.ts'
import { captureLog } from '#test/support/log.ts'

/** Pages of purchases and bills, over all the years that are kept and while corrections arrive. */

let api: ConsumptionApi
before(async () => {
  api = await consumptionApi()
})
after(() => api[Symbol.asyncDispose]())

/** What is kept at the tests' time: ten full years before this one, and a year ahead. */
const KEPT = { from: '2016-01-01', to: addDays(dayOf(TEST_NOW), 366) }
const KEPT_DAYS = (startOf(KEPT.to).getTime() - startOf(KEPT.from).getTime()) / 86_400_000

type Kind = 'prepaid' | 'postpaid'

interface Placed {
  readonly daysBack: number
  readonly hour: number
}

type Correction = { readonly kind: 'amount' | 'gone' | 'moved' | 'new'; readonly which: number; readonly to: Placed }

const anyPlace: fc.Arbitrary<Placed> = fc.record({
  // Days that several share, turns of years, and any other.
  daysBack: fc.oneof(fc.nat(3), fc.constantFrom(365, 366, 440, 441, 805, 806), fc.nat(KEPT_DAYS - 1)),
  hour: fc.nat(3),
})
const anyCorrection: fc.Arbitrary<Correction> = fc.record({
  kind: fc.constantFrom('amount' as const, 'gone' as const, 'moved' as const, 'new' as const),
  which: fc.nat(99),
  to: anyPlace,
})

function entryOf(kind: Kind, key: string, { daysBack, hour }: Placed): Entry {
  const day = addDays(KEPT.to, -1 - daysBack)
  return kind === 'prepaid'
    ? fromSale(aSale(`${day}T${String(hour).padStart(2, '0')}:00:00Z`, '10', '1000', key))
    : fromBill({ ...aBill(day, '10', '1000', key), delivered: { numFact: key } })
}

/** A meter with what the source would say of it, and the changes that the source makes. */
async function aMeterWith(kind: Kind, places: readonly Placed[]) {
  const { id, meters } = await aHousehold(api.db, kind)
  const meterId = meters[0]!.id
  const entries = new Map(places.map((place, count) => [`k${count}`, entryOf(kind, `k${count}`, place)]))
  let readings = 0
  const store = () => {
    const readAt = new Date(TEST_NOW + (readings += 1))
    return storeReading(api.db, { meterId, range: KEPT, isWholeHistory: true, entries: [...entries.values()], readAt })
  }
  await store()
  /** Returns the key of what is no longer where it was, or where nothing was; none when an amount alone changed. */
  async function correct({ kind: change, which, to }: Correction): Promise<string | undefined> {
    const keys = [...entries.keys()]
    const key = change === 'new' || keys.length === 0 ? `new${readings}` : keys[which % keys.length]!
    const was = entries.get(key)
    if (change === 'gone') entries.delete(key)
    else if (change === 'amount' && was !== undefined) entries.set(key, { ...was, amountXof: was.amountXof + 1 })
    else entries.set(key, entryOf(kind, key, to))
    await store()
    return change === 'amount' && was !== undefined ? undefined : key
  }
  async function page(query: string): Promise<{ keys: string[]; next: string | null }> {
    const list = kind === 'prepaid' ? 'purchases' : 'bills'
    const answer = await api.get({ id }, `/api/meters/${meterId}/${list}?${query}`)
    assert.equal(answer.statusCode, 200, answer.body)
    const { items, next_cursor: next } = answer.json<{
      items: { order_number?: string; number?: string }[]
      next_cursor: string | null
    }>()
    return { keys: items.map((item) => item.order_number ?? item.number ?? ''), next }
  }
  return { entries, correct, page }
}

function newestFirst(entries: Iterable<Entry>): string[] {
  const place = (entry: Entry): string => `${entry.occurredAt.toISOString()} ${entry.sourceKey}`
  return [...entries].toSorted((a, b) => (place(a) < place(b) ? 1 : -1)).map((entry) => entry.sourceKey)
}

suite('the pages of a meter', () => {
  test('are the whole list, newest first, each entry once', async () => {
    const anyKind = fc.constantFrom<Kind>('prepaid', 'postpaid')
    await fc.assert(
      fc.asyncProperty(
        anyKind,
        fc.array(anyPlace, { maxLength: 40 }),
        fc.integer({ min: 1, max: 25 }),
        async (kind, places, limit) => {
          const meter = await aMeterWith(kind, places)
          const seen: string[] = []
          for (let cursor = ''; ;) {
            const { keys, next } = await meter.page(`limit=${limit}${cursor}`)
            assert.ok(next === null || keys.length === limit, 'only the last page is short')
            seen.push(...keys)
            if (next === null) break
            cursor = `&cursor=${next}`
          }
          assert.deepEqual(seen, newestFirst(meter.entries.values()))
        },
      ),
      { numRuns: 40 },
    )
  })

  test('show what was there all along once, whatever is corrected meanwhile, and nothing else twice', async () => {
    const corrections = fc.array(anyCorrection, { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyPlace, { maxLength: 30 }),
        corrections,
        fc.integer({ min: 1, max: 6 }),
        async (places, changes, limit) => {
          const meter = await aMeterWith('prepaid', places)
          const kept = new Set(meter.entries.keys())
          const disturbed = new Set<string>()
          const moved = new Set<string>()
          const seen: string[] = []
          for (let cursor = '', turn = 0; ; turn += 1) {
            const { keys, next } = await meter.page(`limit=${limit}${cursor}`)
            seen.push(...keys)
            if (next === null) break
            cursor = `&cursor=${next}`
            const change = changes[turn]
            if (change === undefined) continue
            const key = await meter.correct(change)
            if (key !== undefined) disturbed.add(key)
            if (key !== undefined && change.kind === 'moved') moved.add(key)
          }
          const steady = (key: string): boolean => !disturbed.has(key)
          assert.deepEqual(seen.filter(steady).toSorted(), [...kept].filter(steady).toSorted())
          const once = seen.filter((key) => !moved.has(key))
          assert.equal(new Set(once).size, once.length, seen.join())
        },
      ),
      { numRuns: 30 },
    )
  })
})

test('a page is read from the years that hold it, the newest first, and from none before them', async () => {
  const opened = new CloseStack(createLogger('fatal'))
  try {
    const fresh = await testDatabase()
    opened.defer('test database', () => fresh.close())
    const order = { seed: 'pages', until: new Date(TEST_NOW), pinHash: '-', months: 36, customers: 500 }
    await fillCustomers(fresh.url, order, 0, () => {})
    const customers = Array.from({ length: order.customers }, (_, place) => customerAt(order.seed, place))
    const { meterId } = customers.find(({ kind }) => kind === 'prepaid')!
    const client = await planClient(fresh.url)
    opened.defer('client', () => client.end())
    await client.query('analyze')
    const recorder = recorderOf(opened.add('pool', openDatabase({ url: fresh.url, log: captureLog().log })).db)
    const stored = { db: recorder.db, now: () => TEST_NOW, keptYears: 10 }
    const pageAfter = async (cursor?: string) => {
      const { entries, nextCursor } = await entryPage(stored, meterId, { cursor, limit: 6 })
      const { partitions } = await readsOf(client, recorder.take()[0]!)
      const read = partitions.map((name) => name.slice(-4))
      return { held: entries.map(({ day }) => day.slice(0, 4)), read, next: nextCursor ?? undefined }
    }
    const first = await pageAfter()
    const second = await pageAfter(first.next)
    assert.deepEqual([new Set(first.held), first.read], [new Set(['2026', '2025']), ['2025', '2026', '2027']])
    assert.deepEqual([new Set(second.held), second.read], [new Set(['2025']), ['2025']])
  } finally {
    await opened.close()
  }
})
