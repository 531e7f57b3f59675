import type { Language } from '#src/core/language.ts'
import type { Estimate } from './estimate.ts'
import { explain } from './explain.ts'
import type { MeterMonth } from './meter-month.ts'
import { positionOf, redevanceAhead, trancheStates } from './month.ts'
import type { TariffMeter } from './queries.ts'
import type { Phase, Tariff } from './tariff.ts'

export function toEstimate(estimate: Estimate, language: Language) {
  const { ticket, tariff, phase, position, day, meter } = estimate
  return {
    energy_kwh: ticket.energyKwh,
    amount_xof: ticket.amountXof,
    average_xof_per_kwh: ticket.averageXofPerKwh ?? null,
    lines: [...ticket.lines],
    explanation: explain(estimate, language),
    estimate: true as const,
    tariff: toTariff(tariff, language),
    situation: {
      meter_id: meter?.id ?? null,
      class: tariff.class,
      mode: tariff.mode,
      phase,
      phase_assumed: meter?.isPhaseAssumed ?? false,
      at: day,
      month_to_date_kwh: position.boughtKwh.rounded(3),
      first_purchase_of_month: position.isFirstPurchase,
      as_of: meter?.asOf.toISOString() ?? null,
      stale: meter?.isStale ?? false,
    },
  }
}

export function toMonth(meter: TariffMeter, month: MeterMonth, tariff: Tariff, language: Language) {
  const position = positionOf(month.energyWh, month.isFirstPurchase)
  const phase: Phase = meter.phase ?? 'single'
  return {
    meter_id: meter.id,
    from: month.from,
    to: month.to,
    class: tariff.class,
    phase,
    phase_assumed: meter.phase === null,
    tranches: trancheStates(tariff, position).map((state) => ({
      tranche: state.tranche,
      from_kwh: state.fromKwh,
      to_kwh: state.toKwh ?? null,
      price_xof: state.priceXof,
      price_with_taxes_xof: state.taxedPriceXof,
      used_kwh: state.usedKwh,
      left_kwh: state.leftKwh ?? null,
      left_xof: state.leftXof ?? null,
    })),
    energy_kwh: month.energyWh / 1_000,
    amount_xof: month.amountXof,
    first_purchase_of_month: month.isFirstPurchase,
    redevance_xof: redevanceAhead(tariff, phase, position),
    as_of: month.asOf.toISOString(),
    stale: month.isStale,
    estimate: true as const,
    tariff: toTariff(tariff, language),
  }
}

function toTariff({ validFrom, source }: Tariff, language: Language) {
  return { valid_from: validFrom, source: source[language] }
}
