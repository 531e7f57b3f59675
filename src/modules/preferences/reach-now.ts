import type { Selectable } from 'kysely'
import { addDays, dayOf, startOf } from '#src/core/calendar.ts'
import type { PushPreferenceTable } from '#src/database/tables/preferences.ts'
import type { Priority } from '#src/modules/notifications/priorities.ts'
import { knownType, NOTIFICATION_TYPES } from '#src/modules/notifications/types.ts'

export type Preference = Pick<Selectable<PushPreferenceTable>, 'muted_types' | 'quiet_from' | 'quiet_until'>

/** A preference joined to something else: all null where the account has none. */
export type PreferenceColumns = { readonly [Column in keyof Preference]: Preference[Column] | null }

export function toPreference({ muted_types, quiet_from, quiet_until }: PreferenceColumns): Preference | undefined {
  return muted_types === null ? undefined : { muted_types, quiet_from, quiet_until }
}

/** What is to be done now for one account: push, never push, or push when its quiet hours are over. */
export type Reach = 'push' | 'muted' | { readonly heldUntil: Date }

export interface Reaching {
  readonly type: string
  readonly priority: Priority
}

/** An urgent message reaches everybody at once. @param preference undefined: of an account that has chosen nothing */
export function reachNow(preference: Preference | undefined, { type, priority }: Reaching, nowMs: number): Reach {
  if (preference === undefined || priority === 'urgent') return 'push'
  const known = knownType(type)
  if (NOTIFICATION_TYPES[known].isMuteable && preference.muted_types.includes(known)) return 'muted'
  const heldUntil = endOfQuiet(preference, nowMs)
  return heldUntil === undefined ? 'push' : { heldUntil }
}

/** When the quiet hours end in which `nowMs` lies; undefined outside of them. */
function endOfQuiet({ quiet_from: from, quiet_until: until }: Preference, nowMs: number): Date | undefined {
  if (from === null || until === null) return undefined
  const today = dayOf(nowMs)
  // Hours over midnight may have begun the day before.
  for (const day of [addDays(today, -1), today]) {
    const end = timeOn(until <= from ? addDays(day, 1) : day, until)
    if (timeOn(day, from) <= nowMs && nowMs < end) return new Date(end)
  }
  return undefined
}

/** @param time `HH:MM:SS` */
function timeOn(day: string, time: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = time.split(':').map(Number)
  return startOf(day).getTime() + ((hours * 60 + minutes) * 60 + seconds) * 1_000
}
