import { Type } from 'typebox'
import { Nullable, OneOf } from '#src/http/schema-parts.ts'
import { type Grouping, GROUPINGS } from './periods.ts'

const Day = Type.String({ format: 'date' })

export const ConsumptionParams = Type.Object({ user_id: Type.String({ format: 'uuid' }) })

export const ConsumptionQuery = Type.Object(
  {
    from: Type.Optional(
      Type.String({ format: 'date', description: 'first day; by default that of the month 12 months ago' }),
    ),
    to: Type.Optional(
      Type.String({ format: 'date', description: 'day after the last; by default the first of next month' }),
    ),
    group_by: Type.Optional(
      Type.Unsafe<Grouping>(
        Type.String({ enum: [...GROUPINGS], default: 'month', description: 'weeks begin on Monday' }),
      ),
    ),
    meter_id: Type.Optional(Type.String({ format: 'uuid', description: 'this meter alone' })),
  },
  { additionalProperties: false },
)

const sums = {
  energy_kwh: Type.Number({ description: 'kWh, at most 3 decimals' }),
  amount_xof: Type.Integer({ description: 'paid or billed, whole francs' }),
}

const MeterAnswer = Type.Object({
  meter_id: Type.String({ format: 'uuid' }),
  number: Type.String({ description: 'number of a Woyofal meter, contract account of a classic one' }),
  kind: OneOf('prepaid', 'postpaid'),
  role: OneOf('owner', 'shared'),
  periods: Type.Array(Type.Object({ start: Day, end: Day, ...sums }), {
    description: 'tile the range; `end` is exclusive; empty while nothing is known of the meter',
  }),
  energy_kwh: Nullable(Type.Number({ description: 'null while nothing is known of the meter' })),
  amount_xof: Nullable(Type.Integer()),
})

const asOf = Nullable(Type.String({ format: 'date-time' }))

export const ConsumptionAnswer = Type.Object(
  {
    user_id: Type.String({ format: 'uuid' }),
    from: Day,
    to: Day,
    group_by: OneOf(...GROUPINGS),
    known_from: Type.String({
      format: 'date',
      description: 'sales and bills of earlier days are not kept: a period before it says 0',
    }),
    unit: Type.Literal('kWh'),
    currency: Type.Literal('XOF'),
    meters: Type.Array(MeterAnswer),
    ...sums,
    as_of: asOf,
    stale: Type.Boolean({ description: 'a source that should have been asked was not to be had' }),
    sources: Type.Array(
      Type.Object({
        name: OneOf('sic', 'postpaid'),
        status: OneOf('ok', 'unavailable', 'not_needed'),
        as_of: asOf,
      }),
      { description: '`not_needed`: what is stored is fresh, or no meter listed is of this source' },
    ),
  },
  {
    examples: [
      {
        user_id: '3f0e2c1a-5b7d-4e8f-9a6b-1c2d3e4f5a6b',
        from: '2026-01-01',
        to: '2026-03-01',
        group_by: 'month',
        known_from: '2016-01-01',
        unit: 'kWh',
        currency: 'XOF',
        meters: [
          {
            meter_id: '9d1c7b52-0a4e-4f33-8a55-7e6d5c4b3a21',
            number: '14123456789',
            kind: 'prepaid',
            role: 'owner',
            periods: [
              { start: '2026-01-01', end: '2026-02-01', energy_kwh: 113.9, amount_xof: 10_000 },
              { start: '2026-02-01', end: '2026-03-01', energy_kwh: 0, amount_xof: 0 },
            ],
            energy_kwh: 113.9,
            amount_xof: 10_000,
          },
        ],
        energy_kwh: 113.9,
        amount_xof: 10_000,
        as_of: '2026-02-03T09:30:00.000Z',
        stale: false,
        sources: [
          { name: 'sic', status: 'ok', as_of: '2026-02-03T09:30:00.000Z' },
          { name: 'postpaid', status: 'not_needed', as_of: null },
        ],
      },
    ],
  },
)
