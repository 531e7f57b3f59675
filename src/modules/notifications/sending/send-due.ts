import { moment } from '#src/core/moment.ts'
import type { PushGatewayUnusable } from '#src/ports/push-gateway.ts'
import type { DueStore } from './due-store.ts'
import { isTimeToPush, LEASE_MS, pushAll, type PushParts } from './push-page.ts'
import { recordFirmly } from './record-firmly.ts'
import { retiredBy } from './retire-targets.ts'
import type { Sending } from './sending.ts'

export interface DueParts extends PushParts {
  readonly due: DueStore
}

const dueClaimed = moment('due.claimed')
const duePushed = moment('due.pushed')

/** When a night's quiet hours end for many, the rest is for further tasks: none holds its worker's slot for long. */
const CLAIMS_PER_TASK = 4

/**
 * Pushes again to devices whose next attempt is due, some hundred at most. Returns what the gateway cannot be used for,
 * if so: what did not leave waits for it. Throws the reason of `signal` between two claims.
 */
export async function sendDue(
  parts: DueParts,
  sending: Sending,
  signal: AbortSignal,
): Promise<PushGatewayUnusable | undefined> {
  const { due, timers } = parts
  const isWanted = (): Promise<boolean> => due.isSending(sending.id)
  for (let turn = 0; turn < CLAIMS_PER_TASK; turn += 1) {
    signal.throwIfAborted()
    const claimedMs = timers.now()
    const leasedUntilMs = claimedMs + LEASE_MS
    const claims = await due.claim(sending.id, claimedMs)
    if (claims.length === 0) return undefined
    if (!isTimeToPush(leasedUntilMs, timers.now())) continue
    dueClaimed()
    const judged = await pushAll(parts, sending, claims, signal, isWanted)
    duePushed()
    const now = new Date(timers.now())
    const outcomes = judged.flatMap((one) => ('verdict' in one ? [one] : []))
    const kept = judged.flatMap((one) => ('unusable' in one ? [one] : []))
    const firmly = { timers, leasedUntilMs, signal }
    await recordFirmly(() => due.record(sending.id, outcomes, now), firmly)
    const retired = retiredBy(judged)
    if (retired.length > 0) await due.retire(retired, now)
    const [unusable] = kept
    if (unusable === undefined) continue
    await due.release(
      sending.id,
      kept.map(({ claim }) => claim),
      now,
    )
    return unusable.unusable
  }
  return undefined
}
