import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { estimate, type MeterFacts, type Question } from './estimate.ts'
import { explain } from './explain.ts'
import { positionOf } from './month.ts'
import { TariffBook } from './tariff-book.ts'
import { readTariffFile } from './tariff-file.ts'
import { TARIFF_CLASSES } from './tariff.ts'

const TODAY = '2026-03-10'
const book = new TariffBook(readTariffFile())

function question(changes: Partial<Question> & { readonly boughtWh?: number; readonly isFirst?: boolean }): Question {
  const { boughtWh = 0, isFirst = true, ...rest } = changes
  return {
    tariff: book.at('DPP', 'prepaid', TODAY, TODAY),
    phase: 'single',
    position: positionOf(boughtWh, isFirst),
    wanted: { kind: 'for_amount', amountXof: 10_000 },
    day: TODAY,
    isAhead: false,
    meter: undefined,
    ...rest,
  }
}

/** Spaces of every width are one here: which is which is for the eye. */
const plain = (sentences: readonly string[]): string[] => sentences.map((text) => text.replaceAll(/\s/g, ' '))

suite('an explanation', () => {
  test('tells a first purchase, and that the second will be less', () => {
    assert.deepEqual(plain(explain(estimate(question({})), 'fr')), [
      'Pour 10 000 F, vous obtiendriez environ 113,9 kWh, soit 87,8 F le kWh en moyenne, tout compris.',
      'La redevance mensuelle du compteur (monophasé) prend 429 F : elle est retenue sur le premier achat du mois.',
      'Tranche 1 (jusqu’à 150 kWh achetés dans le mois) : 9 338 F pour 113,9 kWh, à 82 F le kWh hors taxes.',
      'La taxe communale (TCO), 2,5 % du prix de l’énergie, prend 233 F.',
      'Pas de TVA ici : elle ne porte que sur les kWh au-delà de 250 par mois.',
      'Un deuxième achat de 10 000 F ce mois-ci donnerait 85,9 kWh au lieu de 113,9 : il ne paierait plus la redevance, mais tous les achats du mois civil remplissent les mêmes tranches, et le kWh des suivantes est plus cher.',
      'C’est une estimation, dettes non comptées, d’après le tarif DPP prépayé en vigueur depuis le 1er janvier 2026 (CRSE, décision 2025-140 du 26 décembre 2025, citée par la presse). Le ticket d’achat fait foi.',
    ])
  })

  test('tells a later purchase why it gives less, in English', () => {
    const asked = question({ boughtWh: 240_000, isFirst: false, wanted: { kind: 'for_energy', energyWh: 60_000 } })
    assert.deepEqual(plain(explain(estimate(asked), 'en')), [
      '60 kWh would cost about 9,623 F, 160.38 F per kWh on average, all included.',
      'The meter rental of this month was charged on an earlier purchase: the whole amount goes to energy and taxes.',
      'Tranche 2 (from 150 to 250 kWh bought in the month): 1,365 F for 10 kWh, at 136.49 F per kWh before tax.',
      'Tranche 3 (above 250 kWh bought in the month): 6,825 F for 50 kWh, at 136.49 F per kWh before tax.',
      'The municipal tax (TCO), 2.5% of the energy price, takes 205 F.',
      'VAT (TVA), 18% of the energy price above 250 kWh a month, takes 1,228 F.',
      'As the first purchase of the month the same amount would give 109.4 kWh. It gives 60 now, because this month’s purchases already come to 240 kWh: all purchases of the calendar month fill the same tranches, and the kWh of the later ones costs more. They start again from zero on the 1st of next month.',
      'This is an estimate without debts, by the DPP prepaid tariff in force since 1 January 2026 (CRSE decision 2025-140 of 26 December 2025, quoted by the press). The purchase ticket is what counts.',
    ])
  })

  test('does not promise what follows a redevance that was not paid whole', () => {
    const asked = question({ phase: 'three', wanted: { kind: 'for_amount', amountXof: 1_000 } })
    const sentences = plain(explain(estimate(asked), 'fr'))
    assert.ok(sentences.includes('Ce montant ne couvre pas la redevance entière, qui est de 1 427 F.'))
    assert.ok(!sentences.some((text) => text.includes('deuxième achat')))
  })

  const saysOf = (changes: Parameters<typeof question>[0], words: string): boolean =>
    plain(explain(estimate(question(changes)), 'fr')).some((text) => text.includes(words))
  const forAmount = (amountXof: number) => ({ wanted: { kind: 'for_amount', amountXof } }) as const

  test('compares with the first purchase of a month unless it is one', () => {
    assert.ok(saysOf({ boughtWh: 140_000 }, 'En premier achat du mois'))
    assert.ok(!saysOf({ boughtWh: 140_000 }, 'Un deuxième achat'))
    // Still in the first tranche and with its redevance: the same as at the start, so there is nothing to compare.
    assert.ok(!saysOf({ boughtWh: 1_000, ...forAmount(5_000) }, 'premier achat du mois, le même montant'))
    const early = { boughtWh: 1_000, isFirst: false, ...forAmount(5_000) }
    assert.ok(saysOf(early, 'car il paierait aussi la redevance'))
    assert.ok(!saysOf(early, 'atteint la tranche'))
    // The redevance saved hides what the tranche costs: both have to be told.
    const reaching = { boughtWh: 101_900, isFirst: false, ...forAmount(5_000) }
    assert.ok(saysOf(reaching, 'car il paierait aussi la redevance'))
    assert.ok(saysOf(reaching, 'Les achats de ce mois font déjà 101,9 kWh, et ce montant atteint la tranche 2'))
  })

  test('does not speak of a tranche that the whole francs only just enter', () => {
    const filling = { wanted: { kind: 'for_energy', energyWh: 48_100 }, boughtWh: 101_900, isFirst: false } as const
    assert.ok(!saysOf(filling, 'tranche 2') && !saysOf(filling, 'Tranche 2'))
    // Up to 250 kWh no TVA is due, though a franc is never cut.
    assert.ok(saysOf({ wanted: { kind: 'for_energy', energyWh: 250_000 } }, 'Pas de TVA ici'))
    // 4,010 F where 4,009.19 would do: what a franc buys of the second tranche is on no ticket.
    const nearly = { wanted: { kind: 'for_energy', energyWh: 47_700 }, boughtWh: 102_300, isFirst: false } as const
    assert.ok(!saysOf(nearly, 'atteint la tranche 2'))
    assert.ok(saysOf(nearly, 'Tranche 2 (de 150 à 250 kWh achetés dans le mois) : 1 F pour moins de 0,1 kWh, à'))
  })

  test('tells why a second purchase gives less, also where it would not pay a redevance', () => {
    const small = { phase: 'three', boughtWh: 200_000, isFirst: false, ...forAmount(1_000) } as const
    assert.ok(saysOf(small, 'atteint la tranche 2, plus chère que la première'))
    assert.ok(!saysOf(small, 'En premier achat'))
  })

  test('keeps to the grammar of one franc and one kWh', () => {
    assert.ok(saysOf(forAmount(1), 'Avec 1 F, vous n’obtiendriez pas 0,1 kWh.'))
    assert.ok(saysOf({ boughtWh: 1_000, ...forAmount(20_000) }, 'les achats de ce mois font déjà 1 kWh'))
    assert.ok(saysOf({ boughtWh: 150_500, isFirst: false, ...forAmount(1_000) }, 'font déjà 150,5 kWh'))
  })

  test('speaks of the least purchase and of the stamp duty just beyond their bounds', () => {
    assert.ok(saysOf(forAmount(999), 'Le plus petit achat possible est de 1 000 F.'))
    assert.ok(!saysOf(forAmount(1_000), 'Le plus petit achat'))
    assert.ok(saysOf(forAmount(100_001), 'droit de timbre'))
    assert.ok(!saysOf(forAmount(100_000), 'droit de timbre'))
  })

  test('denies the TVA only where none is due, be it too little to show', () => {
    assert.ok(saysOf({ boughtWh: 249_900, isFirst: false, ...forAmount(10) }, 'Pas de TVA ici'))
    assert.ok(!saysOf({ boughtWh: 250_000, isFirst: false, ...forAmount(2) }, 'TVA'))
    assert.ok(saysOf({ boughtWh: 250_000, isFirst: false, ...forAmount(10) }, 'La TVA, 18 %'))
  })

  test('names what is not known of a class', () => {
    const asked = question({ tariff: book.at('PMP', 'prepaid', TODAY, TODAY) })
    const sentences = plain(explain(estimate(asked), 'en'))
    assert.ok(sentences.some((text) => text.startsWith('No VAT (TVA) is counted, because')))
    assert.ok(sentences.includes('Some prices of class PMP come from unofficial sources.'))
  })
})

const meter: fc.Arbitrary<MeterFacts> = fc.record({
  id: fc.uuid(),
  asOf: fc.constant(new Date('2026-03-01T08:05:00Z')),
  isStale: fc.boolean(),
  debtXof: fc.option(fc.nat({ max: 50_000 }), { nil: undefined }),
  isPhaseAssumed: fc.boolean(),
})

const anyQuestion: fc.Arbitrary<Question> = fc
  .record({
    tariffClass: fc.constantFrom(...TARIFF_CLASSES),
    phase: fc.constantFrom('single' as const, 'three' as const),
    boughtWh: fc.nat({ max: 700_000 }),
    isFirst: fc.boolean(),
    wanted: fc.oneof(
      fc.record({ kind: fc.constant('for_amount' as const), amountXof: fc.integer({ min: 1, max: 10_000_000 }) }),
      fc.record({ kind: fc.constant('for_energy' as const), energyWh: fc.integer({ min: 1, max: 5_000_000 }) }),
    ),
    isAhead: fc.boolean(),
    meter: fc.option(meter, { nil: undefined }),
  })
  .map(({ tariffClass, ...rest }) => question({ tariff: book.at(tariffClass, 'prepaid', TODAY, TODAY), ...rest }))

test('whatever is asked, both languages say as much, in whole sentences, and name every line’s amount', () => {
  fc.assert(
    fc.property(anyQuestion, (asked) => {
      const answer = estimate(asked)
      const [french, english] = [explain(answer, 'fr'), explain(answer, 'en')]
      assert.equal(french.length, english.length)
      for (const sentence of [...french, ...english]) assert.match(sentence, /^[^\n]*[^\s]\.$/)
      assert.ok(![...french, ...english].some((text) => /undefined|NaN|null|Infinity/.test(text)))
      const numbers = plain(english)
        .map((text) => text.replaceAll(',', ''))
        .join(' ')
      for (const line of answer.ticket.lines) assert.ok(numbers.includes(`${line.amount_xof} F`), JSON.stringify(line))
    }),
  )
})
