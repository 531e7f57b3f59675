import { Type } from 'typebox'
import { Nullable } from '#src/http/schema-parts.ts'

const Uuid = Type.String({ format: 'uuid' })
const Instant = Type.String({ format: 'date-time' })
const Priority = Type.Unsafe<'urgent' | 'high' | 'normal' | 'low'>({
  type: 'string',
  enum: ['urgent', 'high', 'normal', 'low'],
  description: 'chooses the queue, and nothing else does',
})

export type Audience =
  | { readonly kind: 'user'; readonly user_id: string }
  | { readonly kind: 'users'; readonly user_ids: readonly string[] }
  | { readonly kind: 'meter'; readonly number: string }
  | { readonly kind: 'agency'; readonly agency_id: string }
  | { readonly kind: 'all' }

export const MAX_USERS = 10_000

const audienceOf = (kind: Audience['kind'], fields: Record<string, Parameters<typeof Type.Optional>[0]> = {}) =>
  Type.Object({ kind: Type.Literal(kind), ...fields }, { additionalProperties: false, title: kind })

/** `oneOf` with its discriminator, which OpenAPI tools read, rather than a bare union. */
const AudienceSchema = Type.Unsafe<Audience>({
  type: 'object',
  required: ['kind'],
  discriminator: { propertyName: 'kind' },
  oneOf: [
    audienceOf('user', { user_id: Uuid }),
    audienceOf('users', { user_ids: Type.Array(Uuid, { minItems: 1, maxItems: MAX_USERS }) }),
    audienceOf('meter', {
      number: Type.String({
        pattern: '^[0-9A-Za-z]{1,40}$',
        description: 'of a prepaid meter, or a contract account: everybody with an accepted link to it',
      }),
    }),
    audienceOf('agency', { agency_id: Uuid }),
    audienceOf('all'),
  ],
})

export const NotificationBody = Type.Object(
  {
    title: Type.String({ minLength: 1, maxLength: 200, pattern: '\\S' }),
    body: Type.String({ minLength: 1, maxLength: 2_000, pattern: '\\S' }),
    type: Type.Optional(
      Type.String({
        pattern: '^[a-z][a-z0-9_.-]{0,39}$',
        description: 'what it is about, for the app; `general` by default',
      }),
    ),
    data: Type.Optional(
      Type.Record(Type.String({ minLength: 1, maxLength: 100 }), Type.String({ maxLength: 4_096 }), {
        description: 'for the app; title, body and data together fit 4,096 bytes',
      }),
    ),
    audience: AudienceSchema,
    priority: Priority,
    send_at: Type.Optional(
      Type.String({
        format: 'date-time',
        description: 'not before this; in the inbox from then on; at most 90 days ahead',
      }),
    ),
    expires_at: Type.Optional(
      Type.String({ format: 'date-time', description: 'whoever was not reached by then is not sent to any more' }),
    ),
  },
  {
    additionalProperties: false,
    examples: [
      {
        title: 'Coupure programmée',
        body: 'Travaux demain de 8 h à 14 h dans votre quartier.',
        type: 'outage',
        data: { zone: 'Médina' },
        audience: { kind: 'meter', number: '14012345678' },
        priority: 'high',
      },
    ],
  },
)

export const IdempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description: 'chosen by the sender; the same key and body give the same answer for at least 24 hours',
    }),
  ),
})

export const AcceptedAnswer = Type.Object(
  {
    id: Uuid,
    task_id: Uuid,
    queue: Type.String(),
    state: Type.Literal('queued'),
    status_url: Type.String(),
  },
  {
    description: 'stored, and will be sent whatever crashes next',
    examples: [
      {
        id: '7c0e6f0a-5f5e-4d0b-9a44-0c6a3c0b4a11',
        task_id: 'd7a7d3a4-6e1e-4f0e-8a4b-6f6f1f7f2a22',
        queue: 'high_priority',
        state: 'queued',
        status_url: '/api/notifications/7c0e6f0a-5f5e-4d0b-9a44-0c6a3c0b4a11',
      },
    ],
  },
)

const Count = Type.Integer({ minimum: 0 })

export const StatusAnswer = Type.Object(
  {
    id: Uuid,
    state: Type.String({ enum: ['queued', 'sending', 'done', 'cancelled'] }),
    counts: Type.Object({
      recipients: Count,
      recipients_done: Type.Integer({ minimum: 0, description: 'whose devices have all been looked at' }),
      devices: Type.Integer({ minimum: 0, description: 'known so far' }),
      sent: Count,
      failed: Count,
      dead_tokens: Count,
      retrying: Count,
      held: Type.Integer({ minimum: 0, description: 'waiting for the end of their owners’ quiet hours' }),
      muted: Type.Integer({ minimum: 0, description: 'not wanted by their owners; it is in their inbox' }),
      expired: Type.Integer({ minimum: 0, description: 'not tried before expires_at' }),
    }),
    rate_per_minute: Nullable(
      Type.Integer({ minimum: 0, description: 'pushes of late; null when none are under way' }),
    ),
    estimated_done_at: Nullable(Instant),
    queued_at: Instant,
    send_at: Instant,
    expires_at: Nullable(Instant),
    first_sent_at: Nullable(Instant),
    done_at: Nullable(Instant),
    cancelled_at: Nullable(Instant),
  },
  {
    description: 'sent + failed + dead_tokens + retrying are the devices tried',
    examples: [
      {
        id: '7c0e6f0a-5f5e-4d0b-9a44-0c6a3c0b4a11',
        state: 'done',
        counts: {
          recipients: 2,
          recipients_done: 2,
          devices: 3,
          sent: 2,
          failed: 0,
          dead_tokens: 1,
          retrying: 0,
          held: 0,
          muted: 0,
          expired: 0,
        },
        rate_per_minute: null,
        estimated_done_at: null,
        queued_at: '2026-11-22T10:00:00.000Z',
        send_at: '2026-11-22T10:00:00.000Z',
        expires_at: null,
        first_sent_at: '2026-11-22T10:00:00.080Z',
        done_at: '2026-11-22T10:00:00.130Z',
        cancelled_at: null,
      },
    ],
  },
)

export const NotificationParams = Type.Object({ id: Uuid })
