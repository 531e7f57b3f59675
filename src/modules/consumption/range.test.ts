import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '#src/core/errors.ts'
import { rangeResolver, resolveRange } from './range.ts'

test('by default the last 12 full months and the current one', () => {
  assert.deepEqual(resolveRange({}, '2026-03-15'), { from: '2025-03-01', to: '2026-04-01' })
  assert.deepEqual(resolveRange({}, '2026-01-01'), { from: '2025-01-01', to: '2026-02-01' })
  assert.deepEqual(resolveRange({}, '2025-12-31'), { from: '2024-12-01', to: '2026-01-01' })
  assert.deepEqual(resolveRange({}, '2024-02-29'), { from: '2023-02-01', to: '2024-03-01' })
})

test('one end alone decides the other', () => {
  assert.deepEqual(resolveRange({ from: '2026-02-10' }, '2026-03-15'), { from: '2026-02-10', to: '2026-04-01' })
  assert.deepEqual(resolveRange({ to: '2025-01-01' }, '2026-03-15'), { from: '2023-12-01', to: '2025-01-01' })
  assert.deepEqual(resolveRange({ to: '2025-01-02' }, '2026-03-15'), { from: '2024-01-01', to: '2025-01-02' })
})

const refusals: [string, { from?: string; to?: string }, string][] = [
  ['the same day twice', { from: '2026-01-01', to: '2026-01-01' }, 'consumption/empty-range'],
  ['the wrong way round', { from: '2026-02-01', to: '2026-01-01' }, 'consumption/empty-range'],
  ['a start in the future without an end', { from: '2026-04-01' }, 'consumption/empty-range'],
  ['ten years and a day', { from: '2016-01-01', to: '2026-01-02' }, 'consumption/range-too-long'],
  ['fifty years', { from: '2000-01-01', to: '2050-01-01' }, 'consumption/range-too-long'],
  ['before any record', { from: '1989-12-31', to: '1990-01-01' }, 'consumption/range-out-of-reach'],
  ['the year 0', { to: '0000-01-01' }, 'consumption/range-out-of-reach'],
  ['after this century', { from: '2100-01-01', to: '2101-01-01' }, 'consumption/range-out-of-reach'],
]
for (const [name, asked, code] of refusals) {
  test(`refused: ${name}`, () => {
    assert.throws(
      () => resolveRange(asked, '2026-03-15'),
      (error) => error instanceof AppError && error.code === code,
    )
  })
}

test('ten years are allowed, from a leap day too', () => {
  assert.equal(resolveRange({ from: '2016-01-01', to: '2026-01-01' }, '2026-03-15').from, '2016-01-01')
  assert.equal(resolveRange({ from: '2016-02-29', to: '2026-03-01' }, '2026-03-15').to, '2026-03-01')
})

test('the default range follows the clock over midnight of Dakar', () => {
  let now = Date.parse('2026-02-28T23:59:59.999Z')
  const resolve = rangeResolver(() => now)
  assert.deepEqual(resolve({}), { from: '2025-02-01', to: '2026-03-01' })
  now += 1
  assert.deepEqual(resolve({}), { from: '2025-03-01', to: '2026-04-01' })
  assert.deepEqual(resolve({ from: '2026-03-01' }), { from: '2026-03-01', to: '2026-04-01' })
  assert.deepEqual(resolve({}), { from: '2025-03-01', to: '2026-04-01' })
})
