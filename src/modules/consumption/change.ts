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

export interface TotalChange {
  readonly change: Change
  /** The meters that can be compared, alone: all of them where the total can be. */
  readonly comparable: {
    readonly meterIds: readonly string[]
    readonly current: Sum
    readonly base: Sum
    readonly change: Change
  }
}

export function meterChange(pair: MeterPair): Change {
  return difference(pair.base, pair.current, unlikeness(pair))
}

/** Of meters together. Their sums are comparable only where each meter's are. */
export function totalChange(pairs: readonly MeterPair[]): TotalChange {
  const like = pairs.filter((pair) => unlikeness(pair) === undefined)
  const because = pairs.map(unlikeness).find((reason) => reason !== undefined)
  const ofAll = { base: sumOf(pairs.map(({ base }) => base)), current: sumOf(pairs.map(({ current }) => current)) }
  const ofLike = { base: sumOf(like.map(({ base }) => base)), current: sumOf(like.map(({ current }) => current)) }
  return {
    change: difference(ofAll.base, ofAll.current, because),
    comparable: {
      meterIds: like.map(({ meterId }) => meterId),
      ...ofLike,
      change: difference(ofLike.base, ofLike.current, undefined),
    },
  }
}

/**
 * A bill speaks of about two months and counts whole on its day. Where two ranges do not hold as many of them, their
 * sums differ by the days of billing, whatever was consumed; where one holds none, what was consumed is not known.
 */
function unlikeness({ base, current }: MeterPair): UnknownChange | undefined {
  if (base.bills === 0 || current.bills === 0) return 'no_bill'
  return base.bills === current.bills ? undefined : 'uneven_bills'
}

function difference(base: Sum, current: Sum, because: UnknownChange | undefined): Change {
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
