import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type pg from 'pg'
import { hotPaths, type HotPath, type HotPaths } from './hot-paths.ts'
import { largeTables, planClient, problemsOf, readsOf } from './plan.ts'

/** So many that PostgreSQL prefers an index wherever there is one. */
const CUSTOMERS = { customers: 20_000, withHistory: 2_000 }

suite('with thousands of customers', () => {
  let hot: HotPaths
  let client: pg.Client
  let large: ReadonlySet<string>

  before(async () => {
    hot = await hotPaths(CUSTOMERS)
    client = await planClient(hot.url)
    large = await largeTables(client)
  })
  after(async () => {
    await client?.end()
    await hot?.[Symbol.asyncDispose]()
  })

  const problems = async (paths: readonly HotPath[]): Promise<string[]> => {
    const found: string[] = []
    for (const { name, years, statements } of paths) {
      assert.ok(statements.length > 0, `${name} asks the database nothing`)
      for (const statement of statements) {
        const reads = await readsOf(client, statement)
        found.push(...problemsOf(reads, large, years).map((problem) => `${name}: ${problem}\n  ${statement.sql}`))
      }
    }
    return found
  }

  test('the tables of customers, meters and consumption are large ones', () => {
    for (const table of ['account', 'device', 'meter', 'meter_link', 'meter_reading_state', 'consumption_entry_2025']) {
      assert.ok(large.has(table), table)
    }
  })

  test('no hot path reads a large table from end to end, or a year that was not asked for', async () => {
    assert.deepEqual(await problems(hot.paths), [])
  })

  for (const { path, indexes } of [
    {
      path: 'consumption, default range',
      indexes: ['meter_link_account', 'consumption_month_2025_pkey', 'consumption_month_2026_pkey'],
    },
    { path: 'consumption, by day', indexes: ['meter_reading_state_pkey', 'consumption_entry_2026_pkey'] },
  ]) {
    test(`${path}, is read by its indexes`, async () => {
      const { statements } = hot.paths.find(({ name }) => name === path)!
      const used: string[] = []
      for (const statement of statements) used.push(...(await readsOf(client, statement)).indexes)
      for (const index of indexes) assert.ok(used.includes(index), `${index} is not among ${used.join(', ')}`)
    })
  }

  test('the check would notice an index that is gone, and a range that is none', async () => {
    const consumption = hot.paths.filter(({ name }) => name === 'consumption, default range')
    await client.query('begin')
    try {
      await client.query('drop index meter_link_account')
      assert.match((await problems(consumption)).join(), /reads all of meter_link/)
    } finally {
      await client.query('rollback')
    }
    const narrow = consumption.map((path) => ({ ...path, years: [2025] }))
    assert.match((await problems(narrow)).join(), /looks into consumption_month_2026/)
  })
})
