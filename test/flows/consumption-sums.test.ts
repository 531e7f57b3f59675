import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { addDays, type Day } from '#src/core/calendar.ts'
import { GROUPINGS } from '#src/modules/consumption/periods.ts'
import { aHousehold, type Answer, type ConsumptionApi, consumptionApi } from '#test/support/consumption-api.ts'
import { aBill, aSale } from '#test/support/consumption-sources.ts'

const DAY_MS = 86_400_000

let api: ConsumptionApi
before(async () => {
  api = await consumptionApi()
})
after(() => api[Symbol.asyncDispose]())

/** What a source holds of a meter: by key, so that a later state of it corrects, moves, adds and withdraws. */
type History = ReadonlyMap<number, { readonly day: Day; readonly energyWh: number; readonly amountXof: number }>

const FIRST_DAY = '2022-11-20'
const DAYS = 1_210
/** Ends of months and of years, the leap day, and days without anything near them. */
const edges = fc.constantFrom('2023-12-31', '2024-01-01', '2024-02-28', '2024-02-29', '2024-03-01', '2026-02-28')
const anyDay = fc.oneof(
  { weight: 3, arbitrary: fc.nat({ max: DAYS - 1 }).map((days) => addDays(FIRST_DAY, days)) },
  edges,
)

const history: fc.Arbitrary<History> = fc
  .uniqueArray(
    fc.record({
      key: fc.nat({ max: 20 }),
      day: anyDay,
      energyWh: fc.integer({ min: -9_999, max: 999_999 }),
      amountXof: fc.integer({ min: -9_999, max: 99_999 }),
    }),
    { selector: ({ key }) => key, maxLength: 15 },
  )
  .map((rows) => new Map(rows.map(({ key, ...row }) => [key, row])))

/** The customer's first meter, the one that replaced it (the utility moves no sale from one to the other), and the bills. */
const told = fc.record({ old: history, replacement: history, bills: history })

const range = fc
  .tuple(fc.nat({ max: DAYS - 1 }), fc.integer({ min: 1, max: DAYS }), fc.boolean())
  .map(([start, days, isWholeMonths]) => {
    const [from, to] = [addDays(FIRST_DAY, start), addDays(FIRST_DAY, start + days)]
    return isWholeMonths ? { from: `${from.slice(0, 7)}-01`, to: `${addDays(to, 31).slice(0, 7)}-01` } : { from, to }
  })

const kwh = (energyWh: number): string => (energyWh / 1_000).toFixed(3)
const toWh = (energyKwh: number | null): number => Math.round((energyKwh ?? Number.NaN) * 1_000)
const total = (parts: readonly (number | null)[]): number =>
  parts.reduce<number>((sum, part) => sum + (part ?? Number.NaN), 0)

test('the sum of periods is the total is the sum of the source’s rows, for every grouping, whatever the source corrects', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(told, { minLength: 1, maxLength: 3 }), range, async (states, { from, to }) => {
      const { id, meters } = await aHousehold(api.db, 'prepaid', 'prepaid', 'postpaid')
      const [old, replacement, postpaid] = meters
      assert.ok(old && replacement && postpaid)
      for (const state of states) {
        api.sic.held.length = 0
        api.postpaid.held.length = 0
        for (const [meter, sales] of [
          [old, state.old],
          [replacement, state.replacement],
        ] as const) {
          for (const [key, { day, energyWh, amountXof }] of sales) {
            api.sic.add(meter.key, aSale(`${day}T09:30:00Z`, kwh(energyWh), String(amountXof), `order-${key}`))
          }
        }
        for (const [key, { day, energyWh, amountXof }] of state.bills) {
          api.postpaid.add(postpaid.number, aBill(day, kwh(energyWh), String(amountXof), String(key)))
        }
        // Older rows are read again once a month.
        api.passTime(31 * DAY_MS)
        const held = [...state.old.values(), ...state.replacement.values(), ...state.bills.values()].filter(
          ({ day }) => day >= from && day < to,
        )
        for (const grouping of GROUPINGS) {
          const query = `?from=${from}&to=${to}&group_by=${grouping}`
          const answer = (await api.read({ id }, { query })).json<Answer>()
          assert.equal(answer.stale, false)
          assert.equal(toWh(answer.energy_kwh), total(held.map((row) => row.energyWh)), grouping)
          assert.equal(answer.amount_xof, total(held.map((row) => row.amountXof)), grouping)
          assert.equal(toWh(answer.energy_kwh), total(answer.meters.map((meter) => toWh(meter.energy_kwh))))
          assert.equal(answer.amount_xof, total(answer.meters.map((meter) => meter.amount_xof)))
          for (const meter of answer.meters) {
            assert.equal(
              toWh(meter.energy_kwh),
              total(meter.periods.map((period) => toWh(period.energy_kwh))),
              grouping,
            )
            assert.equal(meter.amount_xof, total(meter.periods.map((period) => period.amount_xof)), grouping)
            assert.equal(meter.periods[0]?.start, from)
            assert.equal(meter.periods.at(-1)?.end, to)
          }
        }
      }
    }),
    { numRuns: 15 },
  )
})
