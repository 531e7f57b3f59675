import { Type } from 'typebox'
import { Nullable } from '#src/http/schema-parts.ts'
import { AUDITED_ACTIONS, type AuditedAction } from './audit.ts'

const Uuid = Type.String({ format: 'uuid' })
const Instant = Type.String({ format: 'date-time' })
const Action = Type.Unsafe<AuditedAction>({
  type: 'string',
  enum: [...AUDITED_ACTIONS],
  description: '`….read`: a look by staff at what is a customer’s; the same one again within ten minutes is one entry',
})

export const AuditQuery = Type.Object(
  {
    actor_id: Type.Optional(Uuid),
    action: Type.Optional(Action),
    subject_id: Type.Optional(Uuid),
    from: Type.Optional(Instant),
    to: Type.Optional(Type.String({ format: 'date-time', description: 'exclusive' })),
    cursor: Type.Optional(Type.String({ maxLength: 300, description: 'next_cursor of the page before' })),
    limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  },
  { additionalProperties: false },
)

export const AuditAnswer = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        id: Type.Integer(),
        at: Instant,
        actor_id: Uuid,
        actor_login: Nullable(Type.String({ description: 'null for a customer, and where the account is gone' })),
        actor_role: Type.String(),
        action: Type.String(),
        subject_id: Nullable(Uuid),
        details: Type.Record(Type.String(), Type.Unknown(), {
          description:
            'a list of more than 20 is kept as its count; of a look (`….read`) its `route`, and the `query` without its page',
        }),
      }),
    ),
    next_cursor: Nullable(Type.String()),
  },
  {
    examples: [
      {
        items: [
          {
            id: 4_711,
            at: '2026-11-22T10:00:00.000Z',
            actor_id: '3f0c7a52-9d1e-4f6b-8a34-5c2e9b7d1a60',
            actor_login: 'agent.demo',
            actor_role: 'agent',
            action: 'notification.send',
            subject_id: '7c0e6f0a-5f5e-4d0b-9a44-0c6a3c0b4a11',
            details: {
              title: 'Coupure programmée',
              type: 'outage',
              priority: 'high',
              audience: { kind: 'users', user_ids: { count: 1_200 } },
              recipients: 1_200,
            },
          },
          {
            id: 4_710,
            at: '2026-11-22T09:58:12.345Z',
            actor_id: '3f0c7a52-9d1e-4f6b-8a34-5c2e9b7d1a60',
            actor_login: 'agent.demo',
            actor_role: 'agent',
            action: 'user.read',
            subject_id: '0b9f3c1e-6a57-4c0d-8f21-9d4e7a5b2c10',
            details: {
              route: 'GET /api/consumption/:user_id/export',
              query: { from: '2026-01-01', to: '2026-07-01', format: 'csv' },
            },
          },
        ],
        next_cursor: null,
      },
    ],
  },
)
