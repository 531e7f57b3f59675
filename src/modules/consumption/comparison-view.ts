import { averagePrice, type Sum } from './aggregate.ts'
import type { ComparedSums, Comparison } from './comparison.ts'

export function toComparisonAnswer(userId: string, comparison: Comparison) {
  const { ranges, knownFrom, total, meters, asOf, stale } = comparison
  const sums = toSums(total)
  return {
    user_id: userId,
    known_from: knownFrom,
    unit: 'kWh' as const,
    currency: 'XOF' as const,
    current: { ...ranges.current, ...(sums.current ?? UNKNOWN) },
    previous: { ...ranges.previous, ...(sums.previous ?? UNKNOWN_BASE) },
    year_before: { ...ranges.yearBefore, ...(sums.year_before ?? UNKNOWN_BASE) },
    meters: meters.map(({ meter: { id, number, kind, role }, sums: ofMeter }) => ({
      meter_id: id,
      number,
      kind,
      role,
      ...toSums(ofMeter),
    })),
    as_of: asOf?.toISOString() ?? null,
    stale,
  }
}

const UNKNOWN = { energy_kwh: null, amount_xof: null, average_xof_per_kwh: null }
const UNKNOWN_BASE = { ...UNKNOWN, energy_change_percent: null, amount_change_percent: null }

function toSums({ current, previous, yearBefore }: ComparedSums) {
  return {
    current: current === undefined ? null : toSum(current),
    previous: toBase(previous, current),
    year_before: toBase(yearBefore, current),
  }
}

function toBase(base: Sum | undefined, current: Sum | undefined) {
  if (base === undefined) return null
  return {
    ...toSum(base),
    energy_change_percent: percent(base.energyWh, current?.energyWh),
    amount_change_percent: percent(base.amountXof, current?.amountXof),
  }
}

function toSum(sum: Sum) {
  return {
    energy_kwh: sum.energyWh / 1_000,
    amount_xof: sum.amountXof,
    average_xof_per_kwh: averagePrice(sum),
  }
}

/** To a tenth; null where there is nothing to compare with. */
function percent(base: number, current: number | undefined): number | null {
  return base > 0 && current !== undefined ? Math.round(((current - base) * 1_000) / base) / 10 : null
}
