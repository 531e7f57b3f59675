import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { toPurchase } from './purchase-view.ts'

/** 14,000 F, the first of the month: rental, all of the first tranche, and the rest in the second (DPP, 2026). */
const delivered = {
  MONTANT_HT: '13669.21',
  MONTANT_TVA: '0.00',
  MONTANT_TCO: '331.00',
  MONTANT_TTC: '14000.00',
  MONTANT_RECU: '13998.00',
  ENERGIE_VENDUE: '156.9',
  SOLDE_DETTE: '0.00',
  DETTES: '0.00',
  NOM_OPERATEUR: ' WAVE ',
  TOKEN: '01234567890123456789',
  ARRONDI: '2.00',
  ENERGIE1: '150.000',
  ENERGIE2: '6.900',
  ENERGIE3: '0.000',
  PRIX1: '82.000',
  PRIX2: '136.490',
  PRIX3: '136.490',
  MONTANT1: '12300.00',
  MONTANT2: '940.00',
  MONTANT3: '0.00',
}

function purchase(changes: Record<string, string | null> = {}, seesCodes = true) {
  const entry = {
    day: '2026-02-03',
    sourceKey: 'A1',
    occurredAt: new Date('2026-02-03T09:30:00.337Z'),
    energyWh: 156_900,
    amountXof: 13_998,
    delivered: { ...delivered, ...changes },
  }
  return toPurchase(entry, seesCodes)
}

suite('a purchase', () => {
  test('is told to the last franc', () => {
    assert.deepEqual(purchase(), {
      order_number: 'A1',
      purchased_at: '2026-02-03T09:30:00.337Z',
      amount_xof: 13_998,
      energy_kwh: 156.9,
      average_xof_per_kwh: 89.22,
      tranches: [
        { tranche: 1, energy_kwh: 150, price_xof_per_kwh: 82, amount_xof: 12_300 },
        { tranche: 2, energy_kwh: 6.9, price_xof_per_kwh: 136.49, amount_xof: 940 },
      ],
      tco_xof: 331,
      tva_xof: 0,
      redevance_xof: 429,
      debt_paid_xof: 0,
      debt_left_xof: 0,
      rounding_xof: 2,
      sales_channel: 'WAVE',
      recharge_codes: ['0123 4567 8901 2345 6789'],
    })
  })

  test('keeps its codes from whoever may not see them', () => {
    assert.ok(!('recharge_codes' in purchase({}, false)))
  })

  test('the debt paid is not rental', () => {
    const told = purchase({ DETTES: '429.00', SOLDE_DETTE: '2500.4' })
    assert.deepEqual([told.redevance_xof, told.debt_paid_xof, told.debt_left_xof], [0, 429, 2500])
  })

  test('hundredths are summed before they are rounded', () => {
    const told = purchase({ MONTANT1: '12300.40', MONTANT2: '939.60', MONTANT_TCO: '330.60', MONTANT_TVA: '0.40' })
    assert.equal(told.redevance_xof, 429)
  })

  test('what was rounded off is what the sum exceeds the amount by, whether a receipt was kept or not', () => {
    assert.equal(purchase({ ARRONDI: null }).rounding_xof, 2)
    assert.equal(purchase({ MONTANT_TTC: '13998.00', ARRONDI: '2.00' }).rounding_xof, 0)
    assert.equal(purchase({ MONTANT_TTC: null, ARRONDI: '2.00' }).rounding_xof, 2)
  })

  test('what the source does not say is null, and no rental is made up', () => {
    const silent = Object.fromEntries(Object.keys(delivered).map((column) => [column, null]))
    const told = purchase(silent)
    assert.deepEqual(told.tranches, [])
    assert.deepEqual(told.recharge_codes, [])
    for (const field of ['tco_xof', 'tva_xof', 'redevance_xof', 'debt_left_xof', 'sales_channel'] as const) {
      assert.equal(told[field], null, field)
    }
    assert.equal(purchase({ MONTANT_TCO: null }).redevance_xof, null)
    assert.equal(purchase({ MONTANT_TTC: '5000.00' }).redevance_xof, null)
    assert.equal(purchase({ MONTANT2: null }).redevance_xof, null, 'energy without its amount')
    assert.equal(purchase({ ENERGIE2: 'inconnu' }).redevance_xof, null, 'an amount without its energy')
    assert.equal(purchase({ MONTANT3: null, ENERGIE3: null }).redevance_xof, 429, 'nothing in the third tranche')
    assert.equal(purchase({ PRIX1: 'inconnu' }).tranches[0]?.price_xof_per_kwh, null)
  })
})
