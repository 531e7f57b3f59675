import type { Language } from '#src/core/language.ts'
import type { Estimate } from './estimate.ts'
import { englishPhrases } from './phrases-en.ts'
import { frenchPhrases } from './phrases-fr.ts'
import type { Phrases } from './phrases.ts'
import type { Tariff, Tranche } from './tariff.ts'
import type { Line, Ticket } from './ticket.ts'

const PHRASES: Readonly<Record<Language, Phrases>> = { fr: frenchPhrases, en: englishPhrases }

/** The estimate in sentences: where every franc went, what the month does to the price, and what it is worth. */
export function explain(estimate: Estimate, language: Language): string[] {
  const say = PHRASES[language]
  return [
    headline(estimate, say),
    ...redevance(estimate, say),
    ...estimate.ticket.lines.flatMap((line) => lineSentence(estimate, line, say)),
    ...missingTva(estimate, say),
    ...comparison(estimate, say),
    ...reservations(estimate, say),
    say.estimate(estimate.tariff.class, estimate.tariff.validFrom, estimate.tariff.source[language]),
  ]
}

function headline({ wanted, ticket }: Estimate, say: Phrases): string {
  const { amountXof, energyKwh, averageXofPerKwh } = ticket
  return wanted.kind === 'for_amount'
    ? say.buys(amountXof, energyKwh, averageXofPerKwh)
    : say.costs(wanted.energyWh / 1_000, amountXof, averageXofPerKwh)
}

function redevance({ tariff, phase, position, ticket, meter }: Estimate, say: Phrases): string[] {
  const due = tariff.redevanceXof[phase]
  const taken = Math.min(due, ticket.amountXof)
  return [
    position.isFirstPurchase ? say.redevance(taken, phase) : say.redevancePaid(),
    ...(position.isFirstPurchase && taken < due ? [say.redevanceNotCovered(due)] : []),
    ...(meter?.isPhaseAssumed === true ? [say.phaseAssumed(due)] : []),
  ]
}

function lineSentence({ tariff }: Estimate, line: Line, say: Phrases): string[] {
  switch (line.kind) {
    case 'redevance':
      return []
    case 'tranche': {
      const sold = trancheOf(tariff, line)
      if (sold === undefined) return []
      const words = { energyKwh: line.energy_kwh, priceXof: line.price_xof, amountXof: line.amount_xof }
      return [
        say.tranche({
          ...words,
          number: line.tranche,
          fromKwh: sold.fromKwh.rounded(3),
          toKwh: sold.toKwh?.rounded(3),
        }),
      ]
    }
    case 'tco':
      return [say.tco(line.amount_xof, tariff.tcoRate)]
    case 'tva':
      return [say.tva(line.amount_xof, tariff.tvaRate, tariff.tvaAboveKwh?.rounded(3) ?? 0)]
    case 'rounding':
      return [say.rounding(line.amount_xof)]
  }
}

function trancheOf(tariff: Tariff, line: { readonly tranche: number }): Tranche | undefined {
  return tariff.tranches.find((tranche) => tranche.number === line.tranche)
}

function missingTva({ tariff, ticket }: Estimate, say: Phrases): string[] {
  if (tariff.tvaAboveKwh === undefined) return [say.tvaUnknown(tariff.class)]
  // Of a few francs the tax rounds to nothing, and yet it is due.
  const isTaxed = ticket.lines.some(
    (line) => line.kind === 'tranche' && trancheOf(tariff, line)?.tvaRate.isZero() === false,
  )
  return isTaxed ? [] : [say.noTvaYet(tariff.tvaAboveKwh.rounded(3))]
}

function comparison(estimate: Estimate, say: Phrases): string[] {
  const { tariff, phase, ticket, position } = estimate
  const { kind, ticket: other } = estimate.comparison
  const boughtKwh = position.boughtKwh.rounded(3)
  const reached = lastTranche(ticket)
  const dearer = reached > 1 && boughtKwh > 0 ? [say.dearerTranche(boughtKwh, reached)] : []
  // It is not published what becomes of the part of a redevance that a purchase could not pay.
  if (ticket.amountXof < tariff.redevanceXof[phase]) return dearer
  if (kind === 'as_second_purchase') {
    return other.energyKwh < ticket.energyKwh
      ? [say.lessAsSecond(ticket.amountXof, other.energyKwh, ticket.energyKwh)]
      : [say.moreAsSecond(ticket.amountXof, other.energyKwh)]
  }
  if (other.energyKwh > ticket.energyKwh) return [say.moreAsFirst(other.energyKwh, ticket.energyKwh, boughtKwh)]
  return [...(other.energyKwh < ticket.energyKwh ? [say.lessAsFirst(other.energyKwh)] : []), ...dearer]
}

/** The last that gives energy on the ticket: the whole francs that fill a tranche may buy a trace of the next. */
function lastTranche({ lines }: Ticket): number {
  return Math.max(1, ...lines.map((line) => (line.kind === 'tranche' && line.energy_kwh > 0 ? line.tranche : 1)))
}

function reservations({ tariff, ticket, meter, isAhead }: Estimate, say: Phrases): string[] {
  const { amountXof } = ticket
  return [
    ...(amountXof < tariff.leastPurchaseXof ? [say.belowLeastPurchase(tariff.leastPurchaseXof)] : []),
    ...(amountXof > tariff.stampDutyAboveXof ? [say.stampDuty(tariff.stampDutyAboveXof)] : []),
    ...(meter?.debtXof !== undefined && meter.debtXof > 0 ? [say.debt(meter.debtXof)] : []),
    ...(meter?.isStale === true ? [say.knownUntil(meter.asOf)] : []),
    ...(isAhead ? [say.ahead()] : []),
    ...(tariff.isConfirmed ? [] : [say.unconfirmed(tariff.class)]),
  ]
}
