import { averagePrice, type Sum } from './aggregate.ts'
import type { Change, Compared, ComparedTotal, UnknownChange } from './change.ts'
import type { Comparison } from './comparison.ts'
import type { DayRange } from './range.ts'

export function toComparisonAnswer(userId: string, comparison: Comparison) {
  const { ranges, knownFrom, current, previous, yearBefore, meters, asOf, stale } = comparison
  return {
    user_id: userId,
    known_from: knownFrom,
    unit: 'kWh' as const,
    currency: 'XOF' as const,
    current: { ...ranges.current, ...(current === undefined ? UNKNOWN : toSum(current)) },
    previous: toTotal(ranges.previous, previous),
    year_before: toTotal(ranges.yearBefore, yearBefore),
    meters: meters.map(({ meter: { id, number, kind, role }, ...sums }) => ({
      meter_id: id,
      number,
      kind,
      role,
      current: sums.current === undefined ? null : toSum(sums.current),
      previous: sums.previous === undefined ? null : toCompared(sums.previous),
      year_before: sums.yearBefore === undefined ? null : toCompared(sums.yearBefore),
    })),
    as_of: asOf?.toISOString() ?? null,
    stale,
  }
}

const UNKNOWN = { energy_kwh: null, amount_xof: null, average_xof_per_kwh: null }
const NOT_KEPT = {
  ...UNKNOWN,
  energy_change_percent: null,
  amount_change_percent: null,
  change_unknown_because: 'not_kept' as UnknownChange,
  comparable: null,
}

function toTotal(range: DayRange, compared: ComparedTotal | undefined) {
  if (compared === undefined) return { ...range, ...NOT_KEPT }
  const { meterIds, current, base, change } = compared.comparable
  return {
    ...range,
    ...toCompared(compared),
    comparable: { meter_ids: [...meterIds], current: toSum(current), ...toSum(base), ...toPercents(change) },
  }
}

function toCompared({ sum, change }: Compared) {
  return { ...toSum(sum), ...toPercents(change), change_unknown_because: change.unknownBecause }
}

function toPercents({ energyPercent, amountPercent }: Change) {
  return { energy_change_percent: energyPercent, amount_change_percent: amountPercent }
}

function toSum(sum: Sum) {
  return {
    energy_kwh: sum.energyWh / 1_000,
    amount_xof: sum.amountXof,
    average_xof_per_kwh: averagePrice(sum),
  }
}
