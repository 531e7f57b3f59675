import { isUuid } from '#src/core/uuid.ts'
import type { EventBus } from '#src/ports/event-bus.ts'

/** Where processes tell each other of inboxes that have changed. What changed is read from PostgreSQL. */
export const INBOX_CHANNEL = 'samaconso:inbox'

/** What is told: a notification that can be seen now, or what one account has read. */
export type Announcement =
  | { readonly kind: 'notification'; readonly id: string; readonly isToMany: boolean }
  /** Without an id: several, up to all. */
  | { readonly kind: 'read'; readonly accountId: string; readonly id: string | null }

/** Of so many recipients at most, a process asks who they are; of more, which of its own listeners are among them. */
const FEW = 50

/**
 * Tells every API process that a notification can be seen, for those who have its stream open. At most once: one that
 * is lost is found by the look that every process takes at PostgreSQL now and then. Never throws, and need not be
 * waited for.
 */
export function announceNotification(
  bus: EventBus,
  sending: { readonly id: string; readonly isBroadcast: boolean; readonly recipients: number },
): Promise<void> {
  return tell(bus, { kind: 'notification', id: sending.id, isToMany: sending.isBroadcast || sending.recipients > FEW })
}

/** As `announceNotification`, of what an account has read. */
export function announceRead(bus: EventBus, accountId: string, id: string | null): Promise<void> {
  return tell(bus, { kind: 'read', accountId, id })
}

function tell(bus: EventBus, announcement: Announcement): Promise<void> {
  return bus.publish(INBOX_CHANNEL, JSON.stringify(announcement))
}

/** Undefined for what another release, or somebody else, may have told. */
export function parseAnnouncement(payload: string): Announcement | undefined {
  try {
    const told = JSON.parse(payload) as Partial<Record<string, unknown>>
    const { kind, id, accountId, isToMany } = told
    const named = typeof id === 'string' && isUuid(id) ? id : undefined
    if (kind === 'notification' && named !== undefined) return { kind, id: named, isToMany: isToMany === true }
    if (kind === 'read' && typeof accountId === 'string' && isUuid(accountId)) {
      return { kind, accountId, id: named ?? null }
    }
  } catch {
    // No JSON, or no object: told below.
  }
  return undefined
}
