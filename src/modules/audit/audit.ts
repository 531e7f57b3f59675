import type { Actor } from '#src/core/actor.ts'
import type { Tx } from '#src/database/database.ts'
import { STAFF_READS } from '#src/http/policy.ts'

/** What is written down, as `module.what`. */
export const AUDITED_ACTIONS = [
  'notification.send',
  'notification.cancel',
  'meter_link.decide',
  ...STAFF_READS,
] as const
export type AuditedAction = (typeof AUDITED_ACTIONS)[number]

export interface Audited {
  readonly action: AuditedAction
  /** What was acted on, such as the notification; null when it has no id. */
  readonly subjectId: string | null
  /** What an auditor must know of it. Never a secret, a message's `data`, or more of a person than an id. */
  readonly details: Readonly<Record<string, unknown>>
}

/** A list of people this long says who; a longer one only how many. */
const MAX_LISTED = 20

/** Writes down what `actor` did, in the transaction that does it: neither is there without the other. */
export async function recordAudit(tx: Tx, actor: Actor, { action, subjectId, details }: Audited): Promise<void> {
  await tx
    .insertInto('audit_entry')
    .values({
      actor_id: actor.accountId,
      actor_role: actor.role,
      action,
      subject_id: subjectId,
      details: JSON.stringify(details, withShortLists),
    })
    .execute()
}

function withShortLists(_name: string, value: unknown): unknown {
  return Array.isArray(value) && value.length > MAX_LISTED ? { count: value.length } : value
}
