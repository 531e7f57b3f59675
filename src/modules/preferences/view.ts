import type { Language } from '#src/core/language.ts'
import { NOTIFICATION_TYPES, TYPE_NAMES } from '#src/modules/notifications/types.ts'
import type { StoredPreference } from './preferences.ts'

export function toAnswer(preference: StoredPreference | undefined, language: Language) {
  const { muted_types: muted = [], quiet_from: from = null, quiet_until: until = null } = preference ?? {}
  return {
    muted_types: TYPE_NAMES.filter((type) => muted.includes(type)),
    quiet_hours: from === null || until === null ? null : { from: toMinutes(from), until: toMinutes(until) },
    types: TYPE_NAMES.map((type) => {
      const { label, isMuteable } = NOTIFICATION_TYPES[type]
      return { type, label: label[language], muteable: isMuteable }
    }),
    updated_at: preference?.updated_at.toISOString() ?? null,
  }
}

/** `22:00:00` as `22:00` */
function toMinutes(time: string): string {
  return time.slice(0, 'HH:MM'.length)
}
