import { Type } from 'typebox'
import { Nullable, OneOf } from '#src/http/schema-parts.ts'

const Uuid = Type.String({ format: 'uuid' })
const Day = Type.String({ format: 'date' })

export const ComparisonQuery = Type.Object(
  {
    from: Type.Optional(
      Type.String({ format: 'date', description: 'first day; without from and to, the last full month is compared' }),
    ),
    to: Type.Optional(Type.String({ format: 'date', description: 'day after the last' })),
    meter_id: Type.Optional(Type.String({ format: 'uuid', description: 'this meter alone' })),
  },
  { additionalProperties: false },
)

const sums = {
  energy_kwh: Type.Number({ description: 'kWh, at most 3 decimals' }),
  amount_xof: Type.Integer({ description: 'paid or billed, whole francs' }),
  average_xof_per_kwh: Nullable(Type.Number({ description: 'null where no energy was bought' })),
}
const Change = Nullable(
  Type.Number({ description: 'from then to the current range; null where there was nothing, or that is not known' }),
)
const changes = { energy_change_percent: Change, amount_change_percent: Change }
const range = { from: Day, to: Type.String({ format: 'date', description: 'exclusive' }) }
const rangeSums = {
  ...range,
  energy_kwh: Nullable(sums.energy_kwh),
  amount_xof: Nullable(sums.amount_xof),
  average_xof_per_kwh: sums.average_xof_per_kwh,
}
const notKept = 'its sums are null where it begins before `known_from`'

export const ComparisonAnswer = Type.Object(
  {
    user_id: Uuid,
    known_from: Type.String({ format: 'date', description: 'sales and bills of earlier days are not kept' }),
    unit: Type.Literal('kWh'),
    currency: Type.Literal('XOF'),
    current: Type.Object(rangeSums, {
      description: `the range asked for, up to today where it is under way; ${notKept}`,
    }),
    previous: Type.Object(
      { ...rangeSums, ...changes },
      { description: `just before: as many whole months for whole months, else as many days; ${notKept}` },
    ),
    year_before: Type.Object(
      { ...rangeSums, ...changes },
      { description: `the same days of the year before, 28 February for the 29th; ${notKept}` },
    ),
    meters: Type.Array(
      Type.Object(
        {
          meter_id: Uuid,
          number: Type.String(),
          kind: OneOf('prepaid', 'postpaid'),
          role: OneOf('owner', 'shared'),
          current: Nullable(Type.Object(sums)),
          previous: Nullable(Type.Object({ ...sums, ...changes })),
          year_before: Nullable(Type.Object({ ...sums, ...changes })),
        },
        { description: 'null while nothing is known of the meter, or the range is not kept' },
      ),
    ),
    as_of: Nullable(Type.String({ format: 'date-time' })),
    stale: Type.Boolean({ description: 'a source that should have been asked was not to be had' }),
  },
  { examples: [example()] },
)

function example() {
  const current = { energy_kwh: 113.9, amount_xof: 10_000, average_xof_per_kwh: 87.8 }
  const previous = {
    energy_kwh: 125,
    amount_xof: 11_000,
    average_xof_per_kwh: 88,
    energy_change_percent: -8.9,
    amount_change_percent: -9.1,
  }
  const yearBefore = {
    energy_kwh: 0,
    amount_xof: 0,
    average_xof_per_kwh: null,
    energy_change_percent: null,
    amount_change_percent: null,
  }
  return {
    user_id: '3f0e2c1a-5b7d-4e8f-9a6b-1c2d3e4f5a6b',
    known_from: '2016-01-01',
    unit: 'kWh',
    currency: 'XOF',
    current: { from: '2026-02-01', to: '2026-03-01', ...current },
    previous: { from: '2026-01-01', to: '2026-02-01', ...previous },
    year_before: { from: '2025-02-01', to: '2025-03-01', ...yearBefore },
    meters: [
      {
        meter_id: '9d1c7b52-0a4e-4f33-8a55-7e6d5c4b3a21',
        number: '14123456789',
        kind: 'prepaid',
        role: 'owner',
        current,
        previous,
        year_before: yearBefore,
      },
    ],
    as_of: '2026-03-03T09:31:00.000Z',
    stale: false,
  }
}
