import { Type } from 'typebox'
import { Nullable } from '#src/http/schema-parts.ts'
import { NOTIFICATION_TYPES, TYPE_NAMES, type TypeName } from '#src/modules/notifications/types.ts'

const Name = Type.Unsafe<TypeName>({ type: 'string', enum: [...TYPE_NAMES] })
const TimeOfDay = Type.String({
  pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$',
  description: 'HH:MM in Africa/Dakar',
})
const QuietHours = Type.Object(
  { from: TimeOfDay, until: TimeOfDay },
  { additionalProperties: false, description: 'nothing but urgent messages is pushed meanwhile; may go over midnight' },
)

const chosen = {
  muted_types: Type.Array(Name, {
    uniqueItems: true,
    description: 'never pushed unless urgent; the inbox has them all the same',
  }),
  quiet_hours: Nullable(QuietHours),
}

const example = { muted_types: ['bill' as const], quiet_hours: { from: '22:00', until: '06:30' } }

export const PreferenceParams = Type.Object({ id: Type.String({ format: 'uuid' }) })

export const PreferenceBody = Type.Object(chosen, { additionalProperties: false, examples: [example] })

export const PreferenceAnswer = Type.Object(
  {
    ...chosen,
    types: Type.Array(
      Type.Object({
        type: Name,
        label: Type.String({ description: 'in the language asked for' }),
        muteable: Type.Boolean({ description: 'false: always pushed' }),
      }),
      { description: 'every type there is, in the order to show them' },
    ),
    updated_at: Nullable(Type.String({ format: 'date-time', description: 'null: nothing was ever chosen' })),
  },
  {
    examples: [
      {
        ...example,
        types: TYPE_NAMES.map((type) => {
          const { label, isMuteable } = NOTIFICATION_TYPES[type]
          return { type, label: label.fr, muteable: isMuteable }
        }),
        updated_at: '2026-11-22T10:00:00.000Z',
      },
    ],
  },
)
