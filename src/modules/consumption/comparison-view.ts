import type { Sum } from './aggregate.ts'
import type { ComparedSums, Comparison } from './comparison.ts'

export function toComparisonAnswer(userId: string, { ranges, total, meters, asOf, stale }: Comparison) {
  const { current, previous, yearBefore } = ranges
  const sums = toSums(total)
  return {
    user_id: userId,
    unit: 'kWh' as const,
    currency: 'XOF' as const,
    current: { from: current.from, to: current.to, ...sums.current },
    previous: { from: previous.from, to: previous.to, ...sums.previous },
    year_before: { from: yearBefore.from, to: yearBefore.to, ...sums.year_before },
    meters: meters.map(({ meter: { id, number, kind, role }, sums: ofMeter }) => ({
      meter_id: id,
      number,
      kind,
      role,
      ...(ofMeter === undefined ? { current: null, previous: null, year_before: null } : toSums(ofMeter)),
    })),
    as_of: asOf?.toISOString() ?? null,
    stale,
  }
}

function toSums({ current, previous, yearBefore }: ComparedSums) {
  return {
    current: toSum(current),
    previous: { ...toSum(previous), ...toChange(previous, current) },
    year_before: { ...toSum(yearBefore), ...toChange(yearBefore, current) },
  }
}

function toSum({ energyWh, amountXof }: Sum) {
  return {
    energy_kwh: energyWh / 1_000,
    amount_xof: amountXof,
    average_xof_per_kwh: energyWh > 0 ? Math.round((amountXof * 100_000) / energyWh) / 100 : null,
  }
}

function toChange(base: Sum, current: Sum) {
  return {
    energy_change_percent: percent(base.energyWh, current.energyWh),
    amount_change_percent: percent(base.amountXof, current.amountXof),
  }
}

/** To a tenth; null where there is nothing to compare with. */
function percent(base: number, current: number): number | null {
  return base > 0 ? Math.round(((current - base) / base) * 1_000) / 10 : null
}
