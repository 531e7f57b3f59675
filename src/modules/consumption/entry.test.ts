import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import { type Entry, fromBill, fromSale, withoutRepeats } from './entry.ts'

const sale = {
  orderNumber: 'A1',
  soldAt: new Date('2025-12-31T23:59:59.997Z'),
  energyKwh: '35.7',
  amountXof: '5000',
  delivered: {},
}
const bill = { billId: '7', billedOn: '2024-02-29', energyKwh: '301.1255', amountXof: '41250.50', delivered: {} }

test('a sale counts on its day of Dakar, to the last instant of the year', () => {
  assert.deepEqual(fromSale(sale), {
    sourceKey: 'A1',
    day: '2025-12-31',
    occurredAt: sale.soldAt,
    energyWh: 35_700,
    amountXof: 5_000,
    delivered: {},
  })
})

test('a bill counts on its date, rounded once', () => {
  const { day, occurredAt, energyWh, amountXof } = fromBill(bill)
  assert.deepEqual({ day, energyWh, amountXof }, { day: '2024-02-29', energyWh: 301_126, amountXof: 41_251 })
  assert.equal(occurredAt.toISOString(), '2024-02-29T00:00:00.000Z')
})

test('a value without sense makes the answer malformed, not zero', () => {
  const isMalformed = (error: unknown): boolean => error instanceof SourceUnavailable && error.reason === 'malformed'
  assert.throws(() => fromSale({ ...sale, energyKwh: 'beaucoup' }), isMalformed)
  assert.throws(() => fromSale({ ...sale, soldAt: new Date(Number.NaN) }), isMalformed)
  assert.throws(() => fromBill({ ...bill, amountXof: '' }), isMalformed)
  assert.throws(() => fromBill({ ...bill, billedOn: '2026-02-29' }), isMalformed)
})

test('of a repeated key the last counts', () => {
  const entry = (sourceKey: string, energyWh: number): Entry => ({ ...fromSale(sale), sourceKey, energyWh })
  const kept = withoutRepeats([entry('a', 1), entry('b', 2), entry('a', 3)])
  assert.deepEqual(
    kept.map(({ sourceKey, energyWh }) => [sourceKey, energyWh]),
    [
      ['a', 3],
      ['b', 2],
    ],
  )
})
