import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { toBill } from './bill-view.ts'

function bill(delivered: Record<string, string | null>) {
  const day = '2026-02-10'
  const occurredAt = new Date(`${day}T00:00:00Z`)
  return toBill({ day, sourceKey: '2602000001', occurredAt, energyWh: 341_000, amountXof: 30_951, delivered })
}

suite('a bill', () => {
  test('has the number that is printed on it, not the key of its row', () => {
    assert.equal(bill({ IDHistorique: '2602000001', numFact: ' F2602000001 ' }).number, 'F2602000001')
    for (const without of [{}, { numFact: null }, { numFact: '  ' }]) assert.equal(bill(without).number, null)
  })
})
