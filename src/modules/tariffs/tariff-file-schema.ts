import { type Static, Type } from 'typebox'
import { TARIFF_CLASSES, type TariffClass } from './tariff.ts'

const strict = { additionalProperties: false } as const
const DayText = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' })
const Decimal = Type.String({ pattern: '^\\d+(\\.\\d+)?$' })
const Price = Type.String({ pattern: '^(?=.*[1-9])\\d+(\\.\\d{1,4})?$' })
const Francs = Type.String({ pattern: '^\\d{1,9}$' })

/** A value with where it is from: an unsourced figure has no place in the file. */
const Figure = <T extends Parameters<typeof Type.Array>[0]>(value: T) =>
  Type.Object(
    { value, sources: Type.Array(Type.String(), { minItems: 1 }), note: Type.Optional(Type.String()) },
    strict,
  )

const Source = Type.Object(
  {
    kind: Type.Union([Type.Literal('regulator'), Type.Literal('press'), Type.Literal('community')]),
    where: Type.String({ minLength: 1 }),
    published: Type.String({ pattern: '^\\d{4}-\\d{2}(-\\d{2})?$' }),
    says: Type.String({ minLength: 1 }),
  },
  strict,
)

const Charges = Type.Object(
  {
    valid_from: DayText,
    tco_rate: Figure(Decimal),
    tva_rate: Figure(Decimal),
    tva_base: Figure(Type.Union([Type.Literal('energy'), Type.Literal('energy_and_tco')])),
    redevance_xof: Type.Object({ single: Figure(Francs), three: Figure(Francs) }, strict),
    least_purchase_xof: Figure(Francs),
    stamp_duty_above_xof: Figure(Francs),
  },
  strict,
)

const Kwh = Type.Integer({ minimum: 0, maximum: 1_000_000 })

const Row = Type.Object(
  {
    class: Type.Unsafe<TariffClass>(Type.String({ enum: [...TARIFF_CLASSES] })),
    mode: Type.Union([Type.Literal('prepaid'), Type.Literal('postpaid')]),
    valid_from: DayText,
    decision: Type.Object({ fr: Type.String({ minLength: 1 }), en: Type.String({ minLength: 1 }) }, strict),
    tranches: Type.Array(Type.Object({ up_to_kwh: Type.Union([Kwh, Type.Null()]), price_xof: Figure(Price) }, strict), {
      minItems: 1,
    }),
    tva_above_kwh: Figure(Type.Union([Kwh, Type.Null()])),
  },
  strict,
)

/** What data/tariffs/*.json holds. */
export const TariffFile = Type.Object(
  {
    about: Type.String(),
    sources: Type.Record(Type.String(), Source),
    charges: Type.Array(Charges, { minItems: 1 }),
    tariffs: Type.Array(Row, { minItems: 1 }),
  },
  strict,
)
export type TariffFile = Static<typeof TariffFile>
export type TariffRow = TariffFile['tariffs'][number]
export type ChargesRow = TariffFile['charges'][number]
