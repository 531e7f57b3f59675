import { type Sum, sumOf } from './aggregate.ts'

/** Why a change is not told. */
export const UNKNOWN_CHANGES = ['not_kept', 'no_bill', 'uneven_bills', 'nothing_before'] as const
export type UnknownChange = (typeof UNKNOWN_CHANGES)[number]

/** What one meter consumed in a range. */
export interface MeterSum extends Sum {
  /** Of how many bills it is made; undefined for a prepaid meter. */
  readonly bills: number | undefined
}

/** From the earlier range to the current one. */
export interface Change {
  /** In percent, to a tenth. */
  readonly energyPercent: number | null
  readonly amountPercent: number | null
  /** Null where both are told. */
  readonly unknownBecause: UnknownChange | null
}

/** One meter, of which something is known in both ranges. */
export interface MeterPair {
  readonly meterId: string
  readonly current: MeterSum
  readonly base: MeterSum
}

/** An earlier range, and what has changed since. */
export interface Compared {
  readonly sum: Sum
  readonly change: Change
}

export interface ComparedTotal extends Compared {
  /** The meters that can be compared, alone: all of them where the total can be. */
  readonly comparable: Sums & { readonly meterIds: readonly string[]; readonly change: Change }
}

interface Sums {
  readonly base: Sum
  readonly current: Sum
}

export function comparedMeter(pair: MeterPair): Compared {
  return { sum: pair.base, change: difference(pair, unlikeness(pair)) }
}

/** Of meters together. Their sums are comparable only where each meter's are. */
export function comparedTotal(pairs: readonly MeterPair[]): ComparedTotal {
  const like = pairs.filter((pair) => unlikeness(pair) === undefined)
  const because = pairs.map(unlikeness).find((reason) => reason !== undefined)
  const [all, comparable] = [sumsOf(pairs), sumsOf(like)]
  const meterIds = like.map(({ meterId }) => meterId)
  return {
    sum: all.base,
    change: difference(all, because),
    comparable: { meterIds, ...comparable, change: difference(comparable, undefined) },
  }
}

function sumsOf(pairs: readonly MeterPair[]): Sums {
  return { base: sumOf(pairs.map(({ base }) => base)), current: sumOf(pairs.map(({ current }) => current)) }
}

/**
 * A bill speaks of about two months and counts whole on its day. Where two ranges do not hold as many of them, their
 * sums differ by the days of billing, whatever was consumed; where one holds none, what was consumed is not known.
 */
function unlikeness({ base, current }: MeterPair): UnknownChange | undefined {
  if (base.bills === 0 || current.bills === 0) return 'no_bill'
  return base.bills === current.bills ? undefined : 'uneven_bills'
}

function difference({ base, current }: Sums, because: UnknownChange | undefined): Change {
  if (because !== undefined) return { energyPercent: null, amountPercent: null, unknownBecause: because }
  const energyPercent = percent(base.energyWh, current.energyWh)
  const amountPercent = percent(base.amountXof, current.amountXof)
  const isTold = energyPercent !== null && amountPercent !== null
  return { energyPercent, amountPercent, unknownBecause: isTold ? null : 'nothing_before' }
}

/** Null where there is nothing to compare with. */
function percent(base: number, current: number): number | null {
  return base > 0 ? Math.round(((current - base) * 1_000) / base) / 10 : null
}
