import type { Clock } from '#src/core/clock.ts'
import type { Logger } from '#src/core/logger.ts'
import type { Db } from '#src/database/database.ts'
import { type PushGateway, PushGatewayUnusable, type PushOutcome } from '#src/ports/push-gateway.ts'
import { type AccountRange, type Claim, claimDue, claimUntried } from './claims.ts'
import { type Judged, recordOutcomes } from './outcomes.ts'
import { type Message, toPush } from './push-message.ts'
import { gaveUp, isTooLate, verdictOf } from './verdict.ts'

export interface SendParts {
  readonly db: Db
  readonly push: PushGateway
  readonly clock: Clock
  readonly log: Logger
  /** From 0 to below 1; tests give their own. @default Math.random */
  readonly random?: () => number
}

/** Well below the lease, so that whoever sends has recorded before it counts as crashed. */
const PUSH_WITHIN_MS = 20_000
const GATEWAY_PAUSE_MS = 30_000
const UNKNOWN_PAUSE_MS = 10_000

/** Pushes to every device of these recipients that nobody has tried. Throws the reason of `signal` between two pages. */
export async function sendToUntried(
  parts: SendParts,
  message: Message,
  range: AccountRange,
  signal: AbortSignal,
): Promise<void> {
  for (let after: string | undefined = range.after; after !== undefined;) {
    signal.throwIfAborted()
    const page = await claimUntried(parts.db, message.id, { ...range, after }, parts.clock())
    await pushAll(parts, message, page.claims, signal)
    after = page.next
  }
}

/** Pushes again to every device whose next attempt is due. */
export async function sendToDue(parts: SendParts, message: Message, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    const claims = await claimDue(parts.db, message.id, parts.clock())
    if (claims.length === 0) return
    await pushAll(parts, message, claims, signal)
  }
}

/** Throws `PushGatewayUnusable` after recording that nothing left. */
async function pushAll(
  parts: SendParts,
  message: Message,
  claims: readonly Claim[],
  signal: AbortSignal,
): Promise<void> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(PUSH_WITHIN_MS)])
  let unusable: PushGatewayUnusable | undefined
  const attempts = claims.map(async (claim): Promise<Judged> => {
    if (claim.target === null || claim.targetKind === null) return { claim, verdict: gaveUp('no target') }
    if (isTooLate(claim, parts.clock())) return { claim, verdict: gaveUp('too late') }
    const push = toPush(message, claim.deviceId, { kind: claim.targetKind, value: claim.target })
    const outcome = await parts.push.send(push, limited).catch((error: unknown): PushOutcome => {
      if (error instanceof PushGatewayUnusable) {
        unusable = error
        return { state: 'retry', reason: `gateway ${error.reason}`, afterMs: GATEWAY_PAUSE_MS, maybeSent: false }
      }
      parts.log.error({ err: error, notification_id: message.id }, 'the push gateway failed')
      return { state: 'retry', reason: 'gateway failed', afterMs: UNKNOWN_PAUSE_MS, maybeSent: true }
    })
    return { claim, verdict: verdictOf(outcome, claim, parts.clock(), parts.random ?? Math.random) }
  })
  await recordOutcomes(parts.db, message.id, await Promise.all(attempts), new Date(parts.clock()))
  if (unusable !== undefined) throw unusable
}
