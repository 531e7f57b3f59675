import { Type } from 'typebox'
import { Nullable, OneOf } from '#src/http/schema-parts.ts'

const FORMATS = ['csv', 'json', 'espi'] as const
export type ExportFormat = (typeof FORMATS)[number]

const Uuid = Type.String({ format: 'uuid' })
const Day = Type.String({ format: 'date' })
const Kind = OneOf('prepaid', 'postpaid')
const asOf = Nullable(Type.String({ format: 'date-time' }))

export const ExportParams = Type.Object({ user_id: Uuid })

export const ExportQuery = Type.Object(
  {
    format: Type.Unsafe<ExportFormat>(Type.String({ enum: [...FORMATS], default: 'csv' })),
    from: Type.Optional(
      Type.String({ format: 'date', description: 'first day; by default that of the month 12 months ago' }),
    ),
    to: Type.Optional(
      Type.String({ format: 'date', description: 'day after the last; by default the first of next month' }),
    ),
    meter_id: Type.Optional(Type.String({ format: 'uuid', description: 'this meter alone' })),
  },
  { additionalProperties: false },
)

export const ExportAnswer = Type.Object({
  user_id: Uuid,
  from: Day,
  to: Day,
  known_from: Type.String({ format: 'date', description: 'sales and bills of earlier days are not kept' }),
  unit: Type.Literal('kWh'),
  currency: Type.Literal('XOF'),
  as_of: asOf,
  stale: Type.Boolean(),
  meters: Type.Array(
    Type.Object({
      meter_id: Uuid,
      number: Type.String(),
      kind: Kind,
      role: OneOf('owner', 'shared'),
      as_of: asOf,
    }),
  ),
  entries: Type.Array(
    Type.Object({
      meter_id: Uuid,
      date: Day,
      occurred_at: Type.String({ format: 'date-time' }),
      reference: Type.String({
        description: "the source's own key, once in a meter: order number of a purchase, id of a bill",
      }),
      energy_kwh: Type.Number({ description: 'kWh, at most 3 decimals' }),
      amount_xof: Type.Integer({ description: 'paid or billed, whole francs' }),
      number: Nullable(
        Type.String({
          description:
            '`order_number` in /purchases, `number` in /bills: what is printed on the bill; null for a bill without',
        }),
      ),
    }),
    { description: 'meter by meter, oldest day first' },
  ),
})

export const EXPORT_EXAMPLE = {
  user_id: '3f0e2c1a-5b7d-4e8f-9a6b-1c2d3e4f5a6b',
  from: '2026-01-01',
  to: '2026-03-01',
  known_from: '2016-01-01',
  unit: 'kWh',
  currency: 'XOF',
  as_of: '2026-02-03T09:31:00.000Z',
  stale: false,
  meters: [
    {
      meter_id: '9d1c7b52-0a4e-4f33-8a55-7e6d5c4b3a21',
      number: '14123456789',
      kind: 'prepaid',
      role: 'owner',
      as_of: '2026-02-03T09:31:00.000Z',
    },
    {
      meter_id: '5b8e1f60-2c3d-4e5f-8a9b-0c1d2e3f4a5b',
      number: '310000012345',
      kind: 'postpaid',
      role: 'owner',
      as_of: '2026-02-12T06:00:00.000Z',
    },
  ],
  entries: [
    {
      meter_id: '9d1c7b52-0a4e-4f33-8a55-7e6d5c4b3a21',
      date: '2026-02-03',
      occurred_at: '2026-02-03T09:30:00.337Z',
      reference: '26020312345671',
      energy_kwh: 113.9,
      amount_xof: 10_000,
      number: '26020312345671',
    },
    {
      meter_id: '5b8e1f60-2c3d-4e5f-8a9b-0c1d2e3f4a5b',
      date: '2026-02-10',
      occurred_at: '2026-02-10T00:00:00.000Z',
      reference: '2602000001',
      energy_kwh: 341,
      amount_xof: 30_951,
      number: 'F2602000001',
    },
  ],
}
