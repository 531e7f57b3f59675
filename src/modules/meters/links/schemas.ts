import { Type } from 'typebox'
import { Nullable, NullOr, OneOf } from '#src/http/schema-parts.ts'
import { Awaits, Instant, nextCursor, PageQuery, Uuid } from '../schemas.ts'
import type { AskedMeter } from './supply-check.ts'

const NumberTyped = Type.String({
  pattern: '^[0-9][0-9 .-]{2,38}[0-9]$',
  description: 'digits, with spaces, dots or dashes as they are printed',
})

const Police = Type.String({
  pattern: '^[0-9A-Za-z][0-9A-Za-z/-]{0,39}$',
  description: 'of the supply contract; needed where a meter number has served several',
})

/** `oneOf` with its discriminator, so that the errors are those of the kind that was meant. */
export const AddMeterBody = Type.Unsafe<AskedMeter>({
  type: 'object',
  required: ['kind'],
  discriminator: { propertyName: 'kind' },
  oneOf: [
    Type.Object(
      { kind: Type.Literal('prepaid'), number: NumberTyped, police: Type.Optional(Police) },
      { additionalProperties: false, title: 'prepaid' },
    ),
    Type.Object(
      { kind: Type.Literal('postpaid'), number: NumberTyped },
      { additionalProperties: false, title: 'postpaid: the number is the contract account' },
    ),
  ],
  examples: [
    { kind: 'prepaid', number: '14250000016', police: '210000001' },
    { kind: 'postpaid', number: '310000001' },
  ],
})

const meterFacts = {
  id: Uuid,
  number: Type.String({ description: 'number of a Woyofal meter, contract account of a classic one' }),
  kind: OneOf('prepaid', 'postpaid'),
}

export const AddedAnswer = Type.Object(
  {
    ...meterFacts,
    role: OneOf('owner', 'shared'),
    state: OneOf('pending', 'accepted'),
    awaits: Awaits,
    code: Nullable(
      Type.Object(
        {
          sent_to: Type.String({ description: "the caller's own phone, masked" }),
          expires_at: Instant,
          resend_at: Type.String({ format: 'date-time', description: 'add the meter again then to get another code' }),
        },
        { description: 'the code that proves the phone; null where none was sent' },
      ),
    ),
  },
  {
    examples: [
      {
        id: '9d1c7b52-0a4e-4f33-8a55-7e6d5c4b3a21',
        number: '14250000016',
        kind: 'prepaid',
        role: 'owner',
        state: 'pending',
        awaits: 'code',
        code: {
          sent_to: '+221 77 ••• •• 12',
          expires_at: '2026-03-15T10:10:00.000Z',
          resend_at: '2026-03-15T10:01:00.000Z',
        },
      },
    ],
  },
)

export const ContractAccountsAnswer = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        number: Type.String({ description: 'POST /api/meters adds it: {kind: "postpaid", number}' }),
        state: NullOr('pending', 'accepted'),
      }),
    ),
    next_cursor: Type.Null({ description: 'there is one page' }),
  },
  {
    description: 'state: what it is in the caller’s list; null where it is not, and can be added',
    examples: [{ items: [{ number: '310000001', state: null }], next_cursor: null }],
  },
)

export const OwnershipBody = Type.Object(
  { code: Type.String({ pattern: '^[0-9]{6}$', description: 'the six digits of the text message' }) },
  { additionalProperties: false, examples: [{ code: '012345' }] },
)

const linkState = OneOf('pending', 'accepted', 'refused', 'revoked')

const shareFacts = {
  id: Type.String({ format: 'uuid', description: 'of the link: PUT /api/links/{id} decides on it' }),
  state: linkState,
  asked_at: Instant,
  decided_at: Nullable(Instant),
  user: Type.Object({
    first_name: Type.String(),
    last_name: Type.String(),
    phone: Nullable(Type.String({ description: 'masked' })),
  }),
}

const shareExample = {
  id: '2f6a4c1e-8b7d-4e5f-9a0b-1c2d3e4f5a6b',
  state: 'pending',
  asked_at: '2026-03-15T10:00:00.000Z',
  decided_at: null,
  user: { first_name: 'Moussa', last_name: 'Diop', phone: '+221 77 ••• •• 02' },
}

export const SharesQuery = Type.Object(
  { ...PageQuery.properties, state: Type.Optional(linkState) },
  { additionalProperties: false },
)

export const SharesAnswer = Type.Object(
  { items: Type.Array(Type.Object(shareFacts)), next_cursor: nextCursor },
  { examples: [{ items: [shareExample], next_cursor: null }] },
)

/** One state for now: the others would be a look at every customer of the agency. */
export const AgencyLinksQuery = Type.Object(
  {
    ...PageQuery.properties,
    state: Type.Unsafe<'pending'>(Type.String({ enum: ['pending'], default: 'pending' })),
  },
  { additionalProperties: false },
)

export const AgencyLinksAnswer = Type.Object(
  {
    items: Type.Array(Type.Object({ ...shareFacts, meter: Type.Object(meterFacts) })),
    next_cursor: nextCursor,
  },
  {
    examples: [
      {
        items: [
          {
            ...shareExample,
            meter: { id: '9d1c7b52-0a4e-4f33-8a55-7e6d5c4b3a21', number: '14250000016', kind: 'prepaid' },
          },
        ],
        next_cursor: null,
      },
    ],
  },
)

export const LinkParams = Type.Object({ id: Uuid })

export const DecisionBody = Type.Object(
  { state: OneOf('accepted', 'refused', 'revoked') },
  { additionalProperties: false, examples: [{ state: 'accepted' }] },
)
