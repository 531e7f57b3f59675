import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { AppError } from '#src/core/errors.ts'
import { Fraction } from './fraction.ts'
import { positionOf } from './month.ts'
import { buy } from './purchase.ts'
import { TariffBook } from './tariff-book.ts'
import { readTariffFile, tariffsFrom } from './tariff-file.ts'
import type { TariffFile } from './tariff-file-schema.ts'
import { costPerKwh, TARIFF_CLASSES } from './tariff.ts'
import { ticketOf } from './ticket.ts'

const url = new URL('../../../data/tariffs/senelec.json', import.meta.url)
const fileContent = (): TariffFile => JSON.parse(readFileSync(url, 'utf8')) as TariffFile

/** The file with something changed in it. */
function changed(change: (file: TariffFile) => void): TariffFile {
  const file = fileContent()
  change(file)
  return file
}

const TODAY = '2026-03-10'

suite('the tariff file', () => {
  test('has every class in both modes, without a gap since December 2023', () => {
    const book = new TariffBook(readTariffFile())
    for (const tariffClass of TARIFF_CLASSES) {
      for (const mode of ['prepaid', 'postpaid'] as const) {
        assert.equal(book.at(tariffClass, mode, '2023-12-01', TODAY).validFrom, '2023-12-01')
        assert.equal(book.at(tariffClass, mode, '2025-12-31', TODAY).validFrom, '2023-12-01')
        assert.equal(book.at(tariffClass, mode, '2026-01-01', TODAY).validFrom, '2026-01-01')
      }
    }
  })

  test('prices the third tranche of Woyofal as the second, and that of bills higher', () => {
    for (const tariff of readTariffFile()) {
      const [, second, third] = tariff.tranches
      assert.ok(second && third)
      assert.equal(third.priceXof.exceeds(second.priceXof), tariff.mode === 'postpaid')
    }
  })

  test('says which prices come from unofficial sources alone', () => {
    const confirmed = readTariffFile().filter((tariff) => tariff.isConfirmed)
    assert.deepEqual([...new Set(confirmed.map((tariff) => tariff.class))], ['DPP'])
  })

  test('taxes domestic energy above 250 kWh, on its price or on the TCO too', () => {
    const thirdOf = (content: unknown) => {
      const tariff = new TariffBook(tariffsFrom(content)).at('DPP', 'prepaid', TODAY, TODAY)
      const kwhFor = (xof: number): number =>
        ticketOf(buy(tariff, 'single', positionOf(250_000, false), Fraction.of(xof))).energyKwh
      const [first, , third] = tariff.tranches
      assert.ok(first && third)
      assert.ok(first.tvaRate.isZero())
      return { costXof: costPerKwh(third).rounded(2), kwh: [kwhFor(5_000), kwhFor(10_000)] }
    }
    assert.deepEqual(thirdOf(fileContent()), { costXof: 164.47, kwh: [30.4, 60.8] })
    const tcoToo = changed(({ charges }) => {
      for (const charge of charges) charge.tva_base.value = 'energy_and_tco'
    })
    assert.deepEqual(thirdOf(tcoToo), { costXof: 165.08, kwh: [30.3, 60.6] })
  })
})

test('a change of charges makes a tariff of its own, for the prices of its time', () => {
  const tariffs = tariffsFrom(
    changed(({ charges }) => {
      const [now] = charges
      assert.ok(now)
      charges.unshift({ ...now, valid_from: '2026-07-01', tco_rate: { ...now.tco_rate, value: '0.03' } })
    }),
  )
  const book = new TariffBook(tariffs)
  const rateAt = (day: string): number => book.at('DPP', 'prepaid', day, TODAY).tcoRate.rounded(3)
  assert.deepEqual(['2025-12-31', '2026-06-30', '2026-07-01'].map(rateAt), [0.025, 0.025, 0.03])
  assert.equal(book.at('DPP', 'prepaid', '2026-07-01', TODAY).validFrom, '2026-07-01')
  assert.equal(tariffs.length, readTariffFile().length + 8)
})

test('a day without a known tariff is refused', () => {
  const book = new TariffBook(readTariffFile())
  const isUnknown = (error: unknown): boolean => error instanceof AppError && error.code === 'tariffs/unknown-tariff'
  assert.throws(() => book.at('DPP', 'prepaid', '2023-11-30', TODAY), isUnknown)
  assert.throws(() => book.at('DPP', 'prepaid', '2027-03-11', TODAY), isUnknown)
  assert.equal(book.at('DPP', 'prepaid', '2027-03-10', TODAY).validFrom, '2026-01-01')
})

type Change = (row: TariffFile['tariffs'][number], file: TariffFile) => void

const faults: readonly (readonly [what: string, change: Change, told: RegExp])[] = [
  ['an unsourced price', ({ tranches }) => void (tranches[0]!.price_xof.sources = []), /price_xof\/sources/],
  ['an unknown source', ({ tranches }) => void (tranches[0]!.price_xof.sources = ['hearsay']), /no source hearsay/],
  [
    'a source that nothing names',
    (_, { sources }) => void (sources['spare'] = sources['ascosen-2023']!),
    /source spare/,
  ],
  ['a price that is a double', ({ tranches }) => void (tranches[0]!.price_xof.value = 82 as never), /price_xof\/value/],
  ['a negative price', ({ tranches }) => void (tranches[0]!.price_xof.value = '-82'), /price_xof\/value/],
  ['a price of nothing', ({ tranches }) => void (tranches[0]!.price_xof.value = '0.00'), /price_xof\/value/],
  ['tranches that fall', ({ tranches }) => void (tranches[1]!.up_to_kwh = 100), /must rise/],
  ['a last tranche that ends', ({ tranches }) => void (tranches[2]!.up_to_kwh = 900), /end open/],
  ['an open tranche amid', ({ tranches }) => void (tranches[0]!.up_to_kwh = null), /must rise/],
  ['a TVA that begins amid a tranche', (row) => void (row.tva_above_kwh.value = 200), /TVA of DPP prepaid/],
  ['a day that is none', (row) => void (row.valid_from = '2026-02-30'), /2026-02-30 is no day/],
  ['prices older than all charges', (row) => void (row.valid_from = '2020-01-01'), /no charges of its time/],
  ['a row twice', (row, { tariffs }) => void tariffs.push(row), /stands there twice/],
  ['an unknown class', (row) => void (row.class = 'GP' as never), /class/],
  ['an unknown field', (row) => void Object.assign(row, { price: 1 }), /tariffs\/0/],
]

for (const [what, change, told] of faults) {
  test(`a tariff file with ${what} is refused`, () => {
    const file = changed((content) => change(content.tariffs[0]!, content))
    assert.throws(() => tariffsFrom(file), { message: told })
  })
}
