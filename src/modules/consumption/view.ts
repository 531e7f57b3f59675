import type { Sum } from './aggregate.ts'
import type { Consumption, MeterConsumption } from './consumption.ts'

export function toAnswer(consumption: Consumption) {
  const { question, knownFrom, meters, total, asOf, stale, sources } = consumption
  return {
    user_id: question.userId,
    from: question.from,
    to: question.to,
    group_by: question.grouping,
    known_from: knownFrom,
    unit: 'kWh' as const,
    currency: 'XOF' as const,
    meters: meters.map(toMeter),
    ...toSum(total),
    as_of: asOf?.toISOString() ?? null,
    stale,
    sources: sources.map(({ name, status, asOf: knownAt }) => ({
      name,
      status,
      as_of: knownAt?.toISOString() ?? null,
    })),
  }
}

function toMeter({ meter, known }: MeterConsumption) {
  return {
    meter_id: meter.id,
    number: meter.number,
    kind: meter.kind,
    role: meter.role,
    periods: (known?.periods ?? []).map(({ start, end, ...sum }) => ({ start, end, ...toSum(sum) })),
    ...(known === undefined ? { energy_kwh: null, amount_xof: null } : toSum(known.total)),
  }
}

/** The quotient is the number nearest to the decimal, so it prints with at most three decimals. */
function toSum({ energyWh, amountXof }: Sum) {
  return { energy_kwh: energyWh / 1_000, amount_xof: amountXof }
}
