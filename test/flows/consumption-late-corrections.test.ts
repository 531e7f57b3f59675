import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { addDays, type Day, dayOf, firstOfMonth, weekday } from '#src/core/calendar.ts'
import {
  aHousehold,
  type Answer,
  type ConsumptionApi,
  consumptionApi,
  TEST_NOW,
} from '#test/support/consumption-api.ts'
import { aSale } from '#test/support/consumption-sources.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
/** Sales are corrected in the source for so many days. */
const WINDOW_DAYS = 120
const FIRST_DAY = '2023-01-01'

let api: ConsumptionApi
let now = TEST_NOW
before(async () => {
  api = await consumptionApi()
})
after(() => api[Symbol.asyncDispose]())

function passTime(ms: number): void {
  api.passTime(ms)
  now += ms
}

interface Row {
  readonly day: Day
  readonly energyWh: number
}

/** Days are told as so many before the present one. */
interface Change {
  readonly key: number
  readonly what: 'new' | 'moved' | 'corrected' | 'withdrawn'
  readonly daysAgo: number
  readonly energyWh: number
}

const energyWh = fc.integer({ min: -9_999, max: 999_999 })
const change: fc.Arbitrary<Change> = fc.record({
  key: fc.nat({ max: 9 }),
  what: fc.constantFrom('new', 'moved', 'moved', 'corrected', 'withdrawn'),
  daysAgo: fc.oneof(fc.nat({ max: WINDOW_DAYS }), fc.nat({ max: 1_100 })),
  energyWh,
})
const step = fc.record({
  passedMs: fc
    .oneof(fc.integer({ min: 60, max: 2_000 }), fc.integer({ min: 2_000, max: 70_000 }))
    .map((m) => m * MINUTE),
  changes: fc.array(change, { maxLength: 4 }),
})
const old = fc.array(fc.record({ daysAgo: fc.nat({ max: 1_100 }), energyWh }), { maxLength: 10 })

/** As the source makes it: a sale comes and is corrected for a while, then it stays. Only one that was `known` goes far. */
function apply(
  rows: Map<number, Row>,
  known: ReadonlySet<number>,
  { key, what, daysAgo, energyWh: newWh }: Change,
): void {
  const today = dayOf(now)
  const windowBegins = addDays(today, -WINDOW_DAYS)
  const row = rows.get(key)
  const day = addDays(today, -daysAgo)
  if (row === undefined) {
    if (what === 'new' && day >= windowBegins) rows.set(key, { day, energyWh: newWh })
  } else if (row.day >= windowBegins) {
    if (what === 'moved' && (day >= windowBegins || known.has(key))) rows.set(key, { ...row, day })
    else if (what === 'corrected') rows.set(key, { ...row, energyWh: newWh })
    else if (what === 'withdrawn') rows.delete(key)
  }
}

/** Months are summed when they are stored, weeks when they are asked for. */
const FIRST_OF = {
  month: (day: Day) => firstOfMonth(day),
  week: (day: Day) => {
    const monday = addDays(day, -weekday(day))
    return monday < FIRST_DAY ? FIRST_DAY : monday
  },
}

function sums(rows: Iterable<Row>, firstOf: (day: Day) => Day): Record<Day, number> {
  const byPeriod: Record<Day, number> = {}
  for (const row of rows) byPeriod[firstOf(row.day)] = (byPeriod[firstOf(row.day)] ?? 0) + row.energyWh
  return Object.fromEntries(
    Object.entries(byPeriod)
      .filter(([, wh]) => wh !== 0)
      .toSorted(),
  )
}

test('whatever is corrected of late, and whenever one looks, every period is the source’s within two readings', async () => {
  await fc.assert(
    fc.asyncProperty(old, fc.array(step, { minLength: 1, maxLength: 6 }), async (atFirst, steps) => {
      const { id, meters } = await aHousehold(api.db, 'prepaid')
      const [meter] = meters
      assert.ok(meter)
      const today = dayOf(now)
      const rows = new Map<number, Row>(
        atFirst.map((row, key) => [key, { day: addDays(today, -row.daysAgo), energyWh: row.energyWh }]),
      )
      for (const { passedMs, changes } of [{ passedMs: 0, changes: [] }, ...steps]) {
        passTime(passedMs)
        const known = new Set(rows.keys())
        for (const one of changes) apply(rows, known, one)
        api.sic.held.length = 0
        for (const [key, { day, energyWh: wh }] of rows) {
          api.sic.add(meter.key, aSale(`${day}T09:30:00Z`, (wh / 1_000).toFixed(3), '100', `order-${key}`))
        }
        await api.read({ id })
        passTime(16 * MINUTE)
        for (const [grouping, firstOf] of Object.entries(FIRST_OF)) {
          const to = `${Number(dayOf(now).slice(0, 4)) + 1}-01-01`
          const answer = (
            await api.read({ id }, { query: `?from=${FIRST_DAY}&to=${to}&group_by=${grouping}` })
          ).json<Answer>()
          const periods = answer.meters[0]?.periods ?? []
          const told = periods.map(({ start, energy_kwh: kwh }) => ({ day: start, energyWh: Math.round(kwh * 1_000) }))
          assert.equal(answer.stale, false)
          assert.deepEqual(
            sums(told, (day) => day),
            sums(rows.values(), firstOf),
            grouping,
          )
        }
      }
      // The next history begins at the same time of the world.
      passTime(TEST_NOW - now)
    }),
    { numRuns: 15 },
  )
})

test('a sale that leaves the days that are asked for makes the next reading ask for all, once', async () => {
  const { id, meters } = await aHousehold(api.db, 'prepaid')
  const [meter] = meters
  assert.ok(meter)
  const energyAfter = async (soldAt: string): Promise<number | null> => {
    api.sic.held.length = 0
    api.sic.add(meter.key, aSale(soldAt, '5', '500', 'moved'))
    api.sic.ranges.length = 0
    passTime(DAY)
    return (await api.read({ id }, { query: '?from=2023-01-01&to=2027-01-01' })).json<Answer>().energy_kwh
  }
  assert.equal(await energyAfter('2026-03-01T08:00:00Z'), 5)
  assert.equal(await energyAfter('2024-06-01T08:00:00Z'), 0)
  assert.equal(await energyAfter('2024-06-01T08:00:00Z'), 5)
  assert.equal(api.sic.ranges[0]?.from, '2016-01-01')
  assert.equal(await energyAfter('2024-06-01T08:00:00Z'), 5)
  assert.equal(api.sic.ranges[0]?.from, addDays(dayOf(now), -WINDOW_DAYS))
})
