import type { Static } from 'typebox'
import type { Day } from '#src/core/calendar.ts'
import { tariffErrors } from './errors.ts'
import type { Wanted } from './estimate.ts'
import type { SimulateBody } from './schemas.ts'
import type { BillingMode, Phase, TariffClass } from './tariff.ts'

/** A situation that the caller describes. */
export interface ClassSituation {
  readonly kind: 'class'
  readonly class: TariffClass
  readonly mode: BillingMode
  readonly phase: Phase
  /** Undefined: today. */
  readonly at: Day | undefined
  readonly boughtWh: number
  readonly isFirstPurchase: boolean
}

export interface Asked {
  readonly subject: { readonly kind: 'meter'; readonly meterId: string } | ClassSituation
  readonly wanted: Wanted
}

/** The question that a body asks. Fails when its fields ask none, or two. */
export function askedOf(body: Static<typeof SimulateBody>): Asked {
  return { wanted: wantedOf(body), subject: subjectOf(body) }
}

function wantedOf({ amount_xof, energy_kwh }: Static<typeof SimulateBody>): Wanted {
  if (amount_xof !== undefined && energy_kwh === undefined) return { kind: 'for_amount', amountXof: amount_xof }
  if (energy_kwh !== undefined && amount_xof === undefined)
    return { kind: 'for_energy', energyWh: wattHours(energy_kwh) }
  throw tariffErrors.oneQuantity()
}

function subjectOf({ amount_xof: _amount, energy_kwh: _energy, ...body }: Static<typeof SimulateBody>) {
  const { meter_id: meterId, class: tariffClass, mode, phase, at, month_to_date_kwh, first_purchase_of_month } = body
  if (meterId !== undefined) {
    if (Object.keys(body).length > 1) throw tariffErrors.oneSubject()
    return { kind: 'meter', meterId: meterId.toLowerCase() } as const
  }
  const isWhole = tariffClass !== undefined && mode !== undefined && phase !== undefined
  if (!isWhole || month_to_date_kwh === undefined || first_purchase_of_month === undefined) {
    throw tariffErrors.oneSubject()
  }
  return {
    kind: 'class',
    class: tariffClass,
    mode,
    phase,
    at,
    boughtWh: wattHours(month_to_date_kwh),
    isFirstPurchase: first_purchase_of_month,
  } as const
}

/** A JSON number is a double: the nearest Wh is the decimal that was written, to the three places that count. */
function wattHours(kwh: number): number {
  return Math.round(kwh * 1_000)
}
