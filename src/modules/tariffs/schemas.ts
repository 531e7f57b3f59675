import { Type } from 'typebox'
import { Nullable, OneOf } from '#src/http/schema-parts.ts'
import { MAX_AMOUNT_XOF } from './estimate.ts'
import { type BillingMode, type Phase, TARIFF_CLASSES, type TariffClass } from './tariff.ts'

const Day = Type.String({ format: 'date' })
const Uuid = Type.String({ format: 'uuid' })
const Instant = Type.String({ format: 'date-time' })

const ClassName = OneOf<TariffClass>(...TARIFF_CLASSES)
const Mode = OneOf<BillingMode>('prepaid', 'postpaid')
const PhaseName = OneOf<Phase>('single', 'three')
const PhaseAssumed = Type.Boolean({ description: 'the phase of the meter is not known: single is assumed' })
const Kwh = (description: string) => Type.Number({ description })
const Xof = (description: string) => Type.Integer({ description })

/** More than any amount buys. */
const MAX_ENERGY_KWH = 1_000_000

/** Flat, so that a mistake is named by its field; which fields go together is checked by `askedOf`. */
export const SimulateBody = Type.Object(
  {
    meter_id: Type.Optional(
      Type.String({ format: 'uuid', description: 'where this prepaid meter stands in its month; instead of a class' }),
    ),
    class: Type.Optional(ClassName),
    mode: Type.Optional(Mode),
    phase: Type.Optional(PhaseName),
    at: Type.Optional(
      Type.String({ format: 'date', description: 'with a class: the day of the purchase; today by default' }),
    ),
    month_to_date_kwh: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: MAX_ENERGY_KWH,
        description: 'bought earlier in the calendar month, to the Wh',
      }),
    ),
    first_purchase_of_month: Type.Optional(Type.Boolean({ description: 'whether the redevance is still to be paid' })),
    amount_xof: Type.Optional(
      Type.Integer({ minimum: 1, maximum: MAX_AMOUNT_XOF, description: 'what is paid; instead of an energy' }),
    ),
    energy_kwh: Type.Optional(
      Type.Number({
        minimum: 0.001,
        maximum: MAX_ENERGY_KWH,
        description: 'what is wanted, to the Wh; instead of an amount',
      }),
    ),
  },
  {
    additionalProperties: false,
    description: 'a meter or a class with its situation, and an amount or an energy',
    examples: [
      { meter_id: '9d1c7b52-0a4e-4f33-8a55-7e6d5c4b3a21', amount_xof: 5_000 },
      {
        class: 'DPP',
        mode: 'prepaid',
        phase: 'single',
        at: '2026-03-10',
        month_to_date_kwh: 113.9,
        first_purchase_of_month: false,
        energy_kwh: 60,
      },
    ],
  },
)

const Line = Type.Object({
  kind: OneOf('redevance', 'debt', 'tranche', 'tco', 'tva', 'rounding'),
  tranche: Type.Optional(Type.Integer({ description: 'from 1' })),
  energy_kwh: Type.Optional(Type.Number()),
  price_xof: Type.Optional(Type.Number({ description: 'XOF per kWh before tax' })),
  amount_xof: Xof('may be negative for `rounding`'),
})

const TariffInForce = Type.Object({ valid_from: Day, source: Type.String() })
const tariff = { valid_from: '2026-01-01', source: 'CRSE, décision 2025-140 du 26 décembre 2025, citée par la presse' }

export const SimulateAnswer = Type.Object(
  {
    energy_kwh: Kwh('to the nearest 0.1 kWh, as on a ticket'),
    amount_xof: Xof('for an energy: the least whole amount that buys it'),
    average_xof_per_kwh: Nullable(Type.Number({ description: 'all included; null when nothing is bought' })),
    lines: Type.Array(Line, { description: 'add up to `amount_xof`, the tranches to `energy_kwh`' }),
    explanation: Type.Array(Type.String(), { description: 'sentences, French or English with Accept-Language: en' }),
    estimate: Type.Literal(true),
    tariff: TariffInForce,
    situation: Type.Object(
      {
        meter_id: Nullable(Uuid),
        class: ClassName,
        mode: Mode,
        phase: PhaseName,
        phase_assumed: PhaseAssumed,
        at: Day,
        month_to_date_kwh: Type.Number(),
        first_purchase_of_month: Type.Boolean(),
        as_of: Nullable(Instant),
        stale: Type.Boolean({ description: "the meter's source should have been asked again and was not to be had" }),
      },
      { description: 'what the estimate starts from' },
    ),
  },
  {
    examples: [
      {
        energy_kwh: 54.4,
        amount_xof: 5_000,
        average_xof_per_kwh: 91.91,
        lines: [
          { kind: 'redevance', amount_xof: 429 },
          { kind: 'tranche', tranche: 1, energy_kwh: 54.4, price_xof: 82, amount_xof: 4_460 },
          { kind: 'tco', amount_xof: 111 },
        ],
        explanation: ['Pour 5 000 F, vous obtiendriez environ 54,4 kWh, soit 91,91 F le kWh en moyenne, tout compris.'],
        estimate: true,
        tariff,
        situation: {
          meter_id: '9d1c7b52-0a4e-4f33-8a55-7e6d5c4b3a21',
          class: 'DPP',
          mode: 'prepaid',
          phase: 'single',
          phase_assumed: false,
          at: '2026-03-10',
          month_to_date_kwh: 0,
          first_purchase_of_month: true,
          as_of: '2026-03-10T09:30:00.000Z',
          stale: false,
        },
      },
    ],
  },
)

export const MonthParams = Type.Object({ id: Uuid })

const TrancheAnswer = Type.Object({
  tranche: Type.Integer({ description: 'from 1' }),
  from_kwh: Type.Number(),
  to_kwh: Nullable(Type.Number({ description: 'null: the last tranche has no end' })),
  price_xof: Type.Number({ description: 'per kWh before tax' }),
  price_with_taxes_xof: Type.Number({ description: 'per kWh with TCO and TVA' }),
  used_kwh: Type.Number(),
  left_kwh: Nullable(Type.Number()),
  left_xof: Nullable(Xof('what can still be spent at this price, taxes included, the redevance apart')),
})

export const MonthAnswer = Type.Object(
  {
    meter_id: Uuid,
    from: Day,
    to: Type.String({ format: 'date', description: 'exclusive; the tranches start again on it' }),
    class: ClassName,
    phase: PhaseName,
    phase_assumed: PhaseAssumed,
    tranches: Type.Array(TrancheAnswer),
    energy_kwh: Kwh('bought this month'),
    amount_xof: Xof('paid this month'),
    first_purchase_of_month: Type.Boolean({ description: 'whether the next purchase is the first' }),
    redevance_xof: Xof('what the next purchase pays for the meter'),
    as_of: Instant,
    stale: Type.Boolean({ description: 'the source should have been asked again and was not to be had' }),
    estimate: Type.Literal(true),
    tariff: TariffInForce,
  },
  {
    examples: [
      {
        meter_id: '9d1c7b52-0a4e-4f33-8a55-7e6d5c4b3a21',
        from: '2026-03-01',
        to: '2026-04-01',
        class: 'DPP',
        phase: 'single',
        phase_assumed: false,
        tranches: [
          {
            tranche: 1,
            from_kwh: 0,
            to_kwh: 150,
            price_xof: 82,
            price_with_taxes_xof: 84.05,
            used_kwh: 113.9,
            left_kwh: 36.1,
            left_xof: 3_034,
          },
          {
            tranche: 2,
            from_kwh: 150,
            to_kwh: 250,
            price_xof: 136.49,
            price_with_taxes_xof: 139.902,
            used_kwh: 0,
            left_kwh: 100,
            left_xof: 13_990,
          },
          {
            tranche: 3,
            from_kwh: 250,
            to_kwh: null,
            price_xof: 136.49,
            price_with_taxes_xof: 164.47,
            used_kwh: 0,
            left_kwh: null,
            left_xof: null,
          },
        ],
        energy_kwh: 113.9,
        amount_xof: 10_000,
        first_purchase_of_month: false,
        redevance_xof: 0,
        as_of: '2026-03-10T09:30:00.000Z',
        stale: false,
        estimate: true,
        tariff,
      },
    ],
  },
)
