import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { DatedAmount } from '#src/modules/consumption/aggregate.ts'
import { dailySums } from './daily-sums.ts'

async function* inPages<T>(items: readonly T[], size: number): AsyncGenerator<T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size)
}

test('days are summed whole wherever the pages are cut, and nothing is lost', async () => {
  const days = fc.array(fc.constantFrom<string>('2026-01-01', '2026-01-02', '2026-01-05', '2026-02-01'), {
    maxLength: 20,
  })
  await fc.assert(
    fc.asyncProperty(days, fc.integer({ min: 1, max: 7 }), async (unsorted, pageSize) => {
      const entries = unsorted.toSorted().map((day, place) => ({ day, energyWh: place * 1_001, amountXof: 7 - place }))
      const sums: DatedAmount[] = []
      for await (const page of dailySums(inPages(entries, pageSize))) sums.push(...page)
      const expected = Map.groupBy(entries, ({ day }) => day)
      assert.deepEqual(
        sums.map(({ day }) => day),
        [...expected.keys()],
      )
      for (const { day, energyWh, amountXof } of sums) {
        const ofDay = expected.get(day) ?? []
        assert.equal(
          energyWh,
          ofDay.reduce((sum, entry) => sum + entry.energyWh, 0),
        )
        assert.equal(
          amountXof,
          ofDay.reduce((sum, entry) => sum + entry.amountXof, 0),
        )
      }
    }),
  )
})
