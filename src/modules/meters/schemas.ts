import { Type } from 'typebox'
import { Nullable, NullOr, OneOf } from '#src/http/schema-parts.ts'

export const Uuid = Type.String({ format: 'uuid' })
const Day = Type.String({ format: 'date' })
export const Instant = Type.String({ format: 'date-time' })
const Francs = (description: string) => Type.Integer({ description: `whole francs: ${description}` })
const Energy = Type.Number({ description: 'kWh, at most 3 decimals' })
const Average = Nullable(Type.Number({ description: 'francs per kWh, all in; null where no energy was bought' }))

export const MeterParams = Type.Object({ id: Uuid })

export const PageQuery = Type.Object(
  {
    cursor: Type.Optional(Type.String({ maxLength: 300, description: 'next_cursor of the page before' })),
    limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
  },
  { additionalProperties: false },
)

export const nextCursor = Nullable(Type.String({ description: 'null on the last page' }))

export const MetersQuery = Type.Object(
  {
    ...PageQuery.properties,
    state: Type.Unsafe<'pending' | 'accepted'>(
      Type.String({ enum: ['pending', 'accepted'], default: 'accepted', description: 'pending: what was asked for' }),
    ),
  },
  { additionalProperties: false },
)

export const Awaits = Type.Unsafe<'code' | 'owner' | 'agency' | null>({
  type: ['string', 'null'],
  enum: ['code', 'owner', 'agency', null],
  description: 'what a pending one waits for: the code that was sent, the word of the owner, or of the agency',
})

/** Of a pending one nothing is told that the caller did not know. */
export const MetersAnswer = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        id: Uuid,
        number: Type.String({ description: 'number of a Woyofal meter, contract account of a classic one' }),
        kind: OneOf('prepaid', 'postpaid'),
        role: OneOf('owner', 'shared'),
        state: OneOf('pending', 'accepted'),
        awaits: Awaits,
        is_default: Type.Boolean(),
        tariff_class: NullOr('DPP', 'PPP', 'DMP', 'PMP'),
        phase: NullOr('single', 'three'),
        agency: Nullable(Type.Object({ code: Type.String(), name: Type.String() })),
        shared_by: Nullable(
          Type.Object(
            { first_name: Type.String(), last_name: Type.String() },
            {
              description:
                'the owner of a meter that is shared; null on an own one, on one that is pending, or where no owner is known',
            },
          ),
        ),
      }),
    ),
    next_cursor: nextCursor,
  },
  {
    examples: [
      {
        items: [
          {
            id: '9d1c7b52-0a4e-4f33-8a55-7e6d5c4b3a21',
            number: '14123456789',
            kind: 'prepaid',
            role: 'shared',
            state: 'accepted',
            awaits: null,
            is_default: true,
            tariff_class: 'DPP',
            phase: 'single',
            agency: { code: 'DKP', name: 'Dakar Plateau' },
            shared_by: { first_name: 'Awa', last_name: 'Ndiaye' },
          },
        ],
        next_cursor: null,
      },
    ],
  },
)

const envelope = {
  next_cursor: nextCursor,
  as_of: Nullable(Instant),
  stale: Type.Boolean({ description: 'the source should have been asked and was not to be had' }),
}

export const PurchasesAnswer = Type.Object(
  {
    meter_id: Uuid,
    items: Type.Array(
      Type.Object({
        order_number: Type.String(),
        purchased_at: Instant,
        amount_xof: Francs('what was paid'),
        energy_kwh: Energy,
        average_xof_per_kwh: Average,
        tranches: Type.Array(
          Type.Object({
            tranche: Type.Integer({ minimum: 1, maximum: 3 }),
            energy_kwh: Energy,
            price_xof_per_kwh: Nullable(Type.Number({ description: 'before taxes, as delivered' })),
            amount_xof: Francs('the energy of this tranche, before taxes'),
          }),
          { description: 'those in which something was bought' },
        ),
        tco_xof: Nullable(Francs('municipal tax')),
        tva_xof: Nullable(Francs('value added tax')),
        redevance_xof: Nullable(
          Francs(
            'rental of the meter, what is left of the sum with taxes after tranches, TCO, TVA and debt; null where a part is not known',
          ),
        ),
        debt_paid_xof: Francs('part of this purchase that paid a debt'),
        debt_left_xof: Nullable(Francs('debt left after it')),
        rounding_xof: Francs('what the counter rounded off: the sum with taxes less what was paid'),
        sales_channel: Nullable(Type.String()),
        recharge_codes: Type.Optional(
          Type.Array(Type.String(), {
            description: 'in the order in which they are typed; only for the owner and those with whom it is shared',
          }),
        ),
      }),
    ),
    ...envelope,
  },
  {
    description:
      'Tranches, TCO, TVA, redevance and debt paid, less what was rounded off, add up to amount_xof to the franc wherever the redevance is known.',
    examples: [
      {
        meter_id: '9d1c7b52-0a4e-4f33-8a55-7e6d5c4b3a21',
        items: [
          {
            order_number: '26020312345671',
            purchased_at: '2026-02-03T09:30:00.337Z',
            amount_xof: 10_000,
            energy_kwh: 113.9,
            average_xof_per_kwh: 87.8,
            tranches: [{ tranche: 1, energy_kwh: 113.9, price_xof_per_kwh: 82, amount_xof: 9_338 }],
            tco_xof: 233,
            tva_xof: 0,
            redevance_xof: 429,
            debt_paid_xof: 0,
            debt_left_xof: 0,
            rounding_xof: 0,
            sales_channel: 'WAVE',
            recharge_codes: ['0123 4567 8901 2345 6789'],
          },
        ],
        next_cursor: null,
        as_of: '2026-02-03T09:31:00.000Z',
        stale: false,
      },
    ],
  },
)

export const BillsAnswer = Type.Object(
  {
    meter_id: Uuid,
    items: Type.Array(
      Type.Object({
        number: Nullable(Type.String()),
        billed_on: Day,
        due_on: Nullable(Day),
        days: Nullable(Type.Integer({ minimum: 0, description: 'days billed' })),
        energy_kwh: Energy,
        tranches: Type.Array(Type.Object({ tranche: Type.Integer({ minimum: 1, maximum: 3 }), energy_kwh: Energy }), {
          description: 'those in which something was consumed',
        }),
        amount_before_tax_xof: Nullable(
          Francs('low-voltage part; it, TCO and TVA add up to amount_xof where they do at the source'),
        ),
        tco_xof: Nullable(Francs('municipal tax')),
        tva_xof: Nullable(Francs('value added tax')),
        amount_xof: Francs('what is billed, taxes included'),
        average_xof_per_kwh: Average,
      }),
    ),
    ...envelope,
  },
  {
    examples: [
      {
        meter_id: '5b8e1f60-2c3d-4e5f-8a9b-0c1d2e3f4a5b',
        items: [
          {
            number: 'F2602000001',
            billed_on: '2026-02-10',
            due_on: '2026-02-25',
            days: 60,
            energy_kwh: 341,
            tranches: [
              { tranche: 1, energy_kwh: 300 },
              { tranche: 2, energy_kwh: 41 },
            ],
            amount_before_tax_xof: 30_196,
            tco_xof: 755,
            tva_xof: 0,
            amount_xof: 30_951,
            average_xof_per_kwh: 90.77,
          },
        ],
        next_cursor: null,
        as_of: '2026-02-12T06:00:00.000Z',
        stale: false,
      },
    ],
  },
)
