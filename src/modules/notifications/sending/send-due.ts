import type { Db } from '#src/database/database.ts'
import type { PushGatewayUnusable } from '#src/ports/push-gateway.ts'
import { claimDue, recordDue, releaseDue } from './due-deliveries.ts'
import { pushAll, type PushParts } from './push-page.ts'
import { retiredBy, retireTargets } from './retire-targets.ts'
import { isSending, type Sending } from './sending.ts'

export interface DueParts extends PushParts {
  readonly db: Db
}

/**
 * Pushes again to every device whose next attempt is due. Returns what the gateway cannot be used for, if so: what did
 * not leave waits for it. Throws the reason of `signal` between two claims.
 */
export async function sendDue(
  parts: DueParts,
  sending: Sending,
  signal: AbortSignal,
): Promise<PushGatewayUnusable | undefined> {
  const { db, timers } = parts
  const isWanted = (): Promise<boolean> => isSending(db, sending.id)
  for (;;) {
    signal.throwIfAborted()
    const claims = await claimDue(db, sending.id, timers.now())
    if (claims.length === 0) return undefined
    const judged = await pushAll(parts, sending, claims, signal, isWanted)
    const now = new Date(timers.now())
    const outcomes = judged.flatMap((one) => ('verdict' in one ? [one] : []))
    const kept = judged.flatMap((one) => ('unusable' in one ? [one] : []))
    await recordDue(db, sending.id, outcomes, now)
    await retireTargets(db, retiredBy(judged), now)
    const [unusable] = kept
    if (unusable === undefined) continue
    await releaseDue(
      db,
      sending.id,
      kept.map(({ claim }) => claim),
      now,
    )
    return unusable.unusable
  }
}
