import { Type } from 'typebox'
import { Nullable } from '#src/http/schema-parts.ts'

const Uuid = Type.String({ format: 'uuid' })
const Instant = Type.String({ format: 'date-time' })

export const InboxParams = Type.Object({ id: Uuid })
export const MessageParams = Type.Object({ id: Uuid })

export const InboxQuery = Type.Object(
  {
    unread: Type.Optional(Type.Boolean({ description: 'true: only what was not read' })),
    cursor: Type.Optional(Type.String({ maxLength: 300, description: 'next_cursor of the page before' })),
    limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
  },
  { additionalProperties: false },
)

export const ReadAllQuery = Type.Object(
  {
    until: Type.Optional({
      ...Instant,
      description: '`created_at` of the newest message that the user has seen; all, when it is missing',
    }),
  },
  { additionalProperties: false },
)

export const InboxAnswer = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        id: Uuid,
        type: Type.String(),
        title: Type.String(),
        body: Type.String(),
        data: Type.Record(Type.String(), Type.String()),
        priority: Type.String(),
        created_at: Instant,
        read_at: Nullable(Instant),
      }),
    ),
    unread: Type.Integer({ minimum: 0 }),
    next_cursor: Nullable(Type.String()),
  },
  {
    examples: [
      {
        items: [
          {
            id: '7c0e6f0a-5f5e-4d0b-9a44-0c6a3c0b4a11',
            type: 'outage',
            title: 'Coupure programmée',
            body: 'Travaux demain de 8 h à 14 h dans votre quartier.',
            data: { zone: 'Médina' },
            priority: 'high',
            created_at: '2026-11-22T10:00:00.000Z',
            read_at: null,
          },
        ],
        unread: 1,
        next_cursor: null,
      },
    ],
  },
)

export const EventHeaders = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({ description: 'the id of the last event received: what came after it is sent first' }),
  ),
})

/** Not JSON: how OpenAPI describes a stream is its media type, with an example of what it looks like. */
export const EventStream = {
  description:
    'Server-sent events, until the session ends. `open` `{unread}` comes first: what the list shows from then on, the ' +
    'stream tells. `notification`: an item as in the list, with `unread`. `read` `{id, unread}`, where a null `id` is ' +
    'all. `unread` `{unread}`: it has changed. `closing` `{reason}`: `token_expired`, `session_ended` or `draining`. ' +
    'Reconnect with Last-Event-ID and nothing is missed or shown twice; `unread` alone tells that something was read ' +
    'meanwhile.',
  content: {
    'text/event-stream': {
      schema: Type.String({
        examples: [
          'retry: 2000\nevent: open\nid: mb2k1x9c\ndata: {"unread":0}\n\n' +
            'event: notification\nid: mb2k1x9c.7c0e6f0a\n' +
            'data: {"id":"7c0e6f0a-5f5e-4d0b-9a44-0c6a3c0b4a11","type":"outage","title":"Coupure programmée",' +
            '"body":"Travaux demain.","data":{},"priority":"high","created_at":"2026-11-22T10:00:00.000Z",' +
            '"read_at":null,"unread":1}\n\n',
        ],
      }),
    },
  },
} as const
