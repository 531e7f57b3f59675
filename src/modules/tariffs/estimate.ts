import type { Day } from '#src/core/calendar.ts'
import { tariffErrors } from './errors.ts'
import { Fraction } from './fraction.ts'
import { buy, costOf, type MonthPosition } from './purchase.ts'
import type { Phase, Tariff } from './tariff.ts'
import { type Ticket, ticketOf } from './ticket.ts'

export const MAX_AMOUNT_XOF = 10_000_000

/** What is asked for: what an amount buys, or what an energy costs. */
export type Wanted =
  | { readonly kind: 'for_amount'; readonly amountXof: number }
  | { readonly kind: 'for_energy'; readonly energyWh: number }

/** What is known of the meter that the question is about. */
export interface MeterFacts {
  readonly id: string
  /** Its purchases are known up to here. */
  readonly asOf: Date
  readonly isStale: boolean
  /** What it still owed at its last purchase; undefined when that is not known. */
  readonly debtXof: number | undefined
  readonly isPhaseAssumed: boolean
}

export interface Question {
  readonly tariff: Tariff
  readonly phase: Phase
  readonly position: MonthPosition
  readonly wanted: Wanted
  readonly day: Day
  /** The day lies ahead: its prices may still change. */
  readonly isAhead: boolean
  /** Undefined when the question is about a class. */
  readonly meter: MeterFacts | undefined
}

export interface Estimate extends Question {
  readonly ticket: Ticket
  /** The same amount elsewhere in the month, which shows what the tranches do. */
  readonly comparison: { readonly kind: 'as_first_purchase' | 'as_second_purchase'; readonly ticket: Ticket }
}

/** Throws `tariffs/amount-out-of-reach` for energy that costs more than can be asked for. */
export function estimate(question: Question): Estimate {
  const amountXof = amountFor(question)
  const ticketAt = (position: MonthPosition): Ticket =>
    ticketOf(buy(question.tariff, question.phase, position, amountXof))
  const { position } = question
  const ticket = ticketAt(position)
  const isStartOfMonth = position.isFirstPurchase && position.boughtKwh.isZero()
  const bought = Fraction.of(Math.round(ticket.energyKwh * 10), 10)
  const comparison = isStartOfMonth
    ? ({ kind: 'as_second_purchase', ticket: ticketAt({ boughtKwh: bought, isFirstPurchase: false }) } as const)
    : ({ kind: 'as_first_purchase', ticket: ticketAt({ boughtKwh: Fraction.zero, isFirstPurchase: true }) } as const)
  return { ...question, ticket, comparison }
}

/** The least whole amount that buys the energy. */
function amountFor({ tariff, phase, position, wanted }: Question): Fraction {
  if (wanted.kind === 'for_amount') return Fraction.of(wanted.amountXof)
  const amountXof = costOf(tariff, phase, position, Fraction.of(wanted.energyWh, 1_000)).ceil()
  if (amountXof > MAX_AMOUNT_XOF) throw tariffErrors.amountOutOfReach({ details: { limit_xof: MAX_AMOUNT_XOF } })
  return Fraction.of(amountXof)
}
