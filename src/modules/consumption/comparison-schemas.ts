import { Type } from 'typebox'
import { Nullable, OneOf } from '#src/http/schema-parts.ts'
import { UNKNOWN_CHANGES, type UnknownChange } from './change.ts'

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
  Type.Number({
    description: 'from then to the current range; null where it is not known, see `change_unknown_because`',
  }),
)
const changes = { energy_change_percent: Change, amount_change_percent: Change }
const compared = {
  ...sums,
  ...changes,
  change_unknown_because: Type.Unsafe<UnknownChange | null>({
    type: ['string', 'null'],
    enum: [...UNKNOWN_CHANGES, null],
    description:
      'why a change is null. no_bill: a postpaid meter has no bill in one of the two ranges, which does not say that nothing was consumed; uneven_bills: it has more bills in one than in the other; nothing_before: there was nothing to compare with; not_kept: the range begins before `known_from`. Null where both changes are told.',
  }),
}
const range = { from: Day, to: Type.String({ format: 'date', description: 'exclusive' }) }
const rangeSums = {
  ...range,
  energy_kwh: Nullable(sums.energy_kwh),
  amount_xof: Nullable(sums.amount_xof),
  average_xof_per_kwh: sums.average_xof_per_kwh,
}
const comparable = Nullable(
  Type.Object(
    { meter_ids: Type.Array(Uuid), current: Type.Object(sums), ...sums, ...changes },
    {
      description:
        'the same for the meters that can be compared, alone: all but the postpaid ones of which the two ranges do not hold as many bills. `current` is what these have in the current range. Null where the range is not kept.',
    },
  ),
)
const rangeCompared = { ...compared, ...rangeSums, comparable }
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
    previous: Type.Object(rangeCompared, {
      description: `just before: as many whole months for whole months, else as many days; ${notKept}`,
    }),
    year_before: Type.Object(rangeCompared, {
      description: `the same days of the year before, 28 February for the 29th; ${notKept}`,
    }),
    meters: Type.Array(
      Type.Object(
        {
          meter_id: Uuid,
          number: Type.String(),
          kind: OneOf('prepaid', 'postpaid'),
          role: OneOf('owner', 'shared'),
          current: Nullable(Type.Object(sums)),
          previous: Nullable(Type.Object(compared)),
          year_before: Nullable(Type.Object(compared)),
        },
        { description: 'null while nothing is known of the meter, or the range is not kept' },
      ),
    ),
    as_of: Nullable(Type.String({ format: 'date-time' })),
    stale: Type.Boolean({ description: 'a source that should have been asked was not to be had' }),
  },
  { examples: [example()] },
)

/** The bill of a classic meter came in January, and none was due in February. */
function example() {
  const prepaidId = '9d1c7b52-0a4e-4f33-8a55-7e6d5c4b3a21'
  const current = { energy_kwh: 113.9, amount_xof: 10_000, average_xof_per_kwh: 87.8 }
  const previous = {
    energy_kwh: 125,
    amount_xof: 11_000,
    average_xof_per_kwh: 88,
    energy_change_percent: -8.9,
    amount_change_percent: -9.1,
  }
  const yearBefore = {
    energy_kwh: 100,
    amount_xof: 9_500,
    average_xof_per_kwh: 95,
    energy_change_percent: 13.9,
    amount_change_percent: 5.3,
  }
  const none = { energy_kwh: 0, amount_xof: 0, average_xof_per_kwh: null }
  const unknown = { energy_change_percent: null, amount_change_percent: null, change_unknown_because: 'no_bill' }
  return {
    user_id: '3f0e2c1a-5b7d-4e8f-9a6b-1c2d3e4f5a6b',
    known_from: '2016-01-01',
    unit: 'kWh',
    currency: 'XOF',
    current: { from: '2026-02-01', to: '2026-03-01', ...current },
    previous: {
      from: '2026-01-01',
      to: '2026-02-01',
      energy_kwh: 466,
      amount_xof: 41_951,
      average_xof_per_kwh: 90.02,
      ...unknown,
      comparable: { meter_ids: [prepaidId], current, ...previous },
    },
    year_before: {
      from: '2025-02-01',
      to: '2025-03-01',
      ...yearBefore,
      ...unknown,
      comparable: { meter_ids: [prepaidId], current, ...yearBefore },
    },
    meters: [
      {
        meter_id: prepaidId,
        number: '14123456789',
        kind: 'prepaid',
        role: 'owner',
        current,
        previous: { ...previous, change_unknown_because: null },
        year_before: { ...yearBefore, change_unknown_because: null },
      },
      {
        meter_id: '5b8e1f60-2c3d-4e5f-8a9b-0c1d2e3f4a5b',
        number: '310000012345',
        kind: 'postpaid',
        role: 'owner',
        current: none,
        previous: { energy_kwh: 341, amount_xof: 30_951, average_xof_per_kwh: 90.77, ...unknown },
        year_before: { ...none, ...unknown },
      },
    ],
    as_of: '2026-03-03T09:31:00.000Z',
    stale: false,
  }
}
