import { writtenNumbers } from '#src/core/written-numbers.ts'
import type { Phrases, TrancheWords } from './phrases.ts'

const { xof, kwh, plain, percent, day, instant } = writtenNumbers.en

const average = (value: number | undefined): string =>
  value === undefined ? '' : `, ${xof(value)} per kWh on average, all included`

function stretch({ fromKwh, toKwh }: TrancheWords): string {
  if (toKwh === undefined) return `above ${kwh(fromKwh)} bought in the month`
  if (fromKwh === 0) return `up to ${kwh(toKwh)} bought in the month`
  return `from ${plain(fromKwh)} to ${kwh(toKwh)} bought in the month`
}

/** A few francs beyond a tranche buy of the next what no ticket shows. */
const sold = ({ energyKwh }: TrancheWords): string => (energyKwh === 0 ? `less than ${kwh(0.1)}` : kwh(energyKwh))

export const englishPhrases: Phrases = {
  buys: (amount, energy, mean) =>
    energy === 0
      ? `${xof(amount)} is not enough to get ${kwh(0.1)}.`
      : `For ${xof(amount)} you would get about ${kwh(energy)}${average(mean)}.`,
  costs: (wanted, amount, mean) => `${kwh(wanted)} would cost about ${xof(amount)}${average(mean)}.`,
  redevance: (amount, phase) =>
    `The monthly meter rental (redevance, ${phase === 'single' ? 'single-phase' : 'three-phase'}) takes ${xof(amount)}: it is charged on the first purchase of the month.`,
  redevanceNotCovered: (due) => `This amount does not cover the whole meter rental, which is ${xof(due)}.`,
  redevancePaid: () =>
    'The meter rental of this month was charged on an earlier purchase: the whole amount goes to energy and taxes.',
  phaseAssumed: (redevance) =>
    `The connection of this meter is not known: it is taken to be single-phase, with a rental of ${xof(redevance)} a month.`,
  tranche: (words) =>
    `Tranche ${words.number} (${stretch(words)}): ${xof(words.amountXof)} for ${sold(words)}, at ${xof(words.priceXof)} per kWh before tax.`,
  tco: (amount, rate) =>
    `The municipal tax (TCO), ${percent(rate.rounded(6))} of the energy price, takes ${xof(amount)}.`,
  tva: (amount, rate, above) =>
    `VAT (TVA), ${percent(rate.rounded(6))} of the energy price above ${kwh(above)} a month, takes ${xof(amount)}.`,
  noTvaYet: (above) => `No VAT (TVA) here: it is due only on kWh above ${plain(above)} a month.`,
  tvaUnknown: (tariffClass) =>
    `No VAT (TVA) is counted, because its rule is not published for class ${tariffClass}: you could get fewer kWh.`,
  rounding: (amount) => `Each line is rounded to the franc: the difference from the amount is ${xof(amount)}.`,
  moreAsFirst: (first, now, bought) =>
    `As the first purchase of the month the same amount would give ${kwh(first)}. It gives ${plain(now)} now, because this month’s purchases already come to ${kwh(bought)}: all purchases of the calendar month fill the same tranches, and the kWh of the later ones costs more. They start again from zero on the 1st of next month.`,
  lessAsFirst: (first) =>
    `As the first purchase of the month the same amount would give ${kwh(first)}, because it would pay the meter rental too.`,
  dearerTranche: (bought, tranche) =>
    `This month’s purchases already come to ${kwh(bought)}, and this amount reaches tranche ${tranche}, which is dearer than the first: all purchases of the calendar month fill the same tranches, which start again from zero on the 1st of next month.`,
  lessAsSecond: (amount, second, first) =>
    `A second purchase of ${xof(amount)} this month would give ${kwh(second)} instead of ${plain(first)}: it would no longer pay the meter rental, but all purchases of the calendar month fill the same tranches, and the kWh of the later ones costs more.`,
  moreAsSecond: (amount, second) =>
    `A second purchase of ${xof(amount)} this month would give ${kwh(second)}, without meter rental. Once the present tranche is full, the same amount gives fewer kWh, because all purchases of the calendar month count together.`,
  belowLeastPurchase: (least) => `The smallest purchase possible is ${xof(least)}.`,
  stampDuty: (above) =>
    `Above ${xof(above)} a stamp duty may be added; its rate is not published, and it is not counted.`,
  debt: (debt) =>
    `At its last known purchase this meter still owed ${xof(debt)}: part of the amount may go to that debt, which is not counted here.`,
  knownUntil: (asOf) =>
    `Purchases of this meter are known up to ${instant(asOf)} (Dakar time): a later one would change the result.`,
  ahead: () => 'This date lies ahead: prices may change by then.',
  unconfirmed: (tariffClass) => `Some prices of class ${tariffClass} come from unofficial sources.`,
  estimate: (tariffClass, validFrom, source) =>
    `This is an estimate without debts, by the ${tariffClass} prepaid tariff in force since ${day(validFrom)} (${source}). The purchase ticket is what counts.`,
}
