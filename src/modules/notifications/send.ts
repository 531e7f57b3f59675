import type { Clock } from '#src/core/clock.ts'
import type { Logger } from '#src/core/logger.ts'
import type { Db } from '#src/database/database.ts'
import { type PushGateway, PushGatewayUnusable, type PushOutcome } from '#src/ports/push-gateway.ts'
import { type AccountRange, type Claim, claimDue, claimUntried } from './claims.ts'
import { recordOutcomes, releaseClaims } from './outcomes.ts'
import { type Message, toPush } from './push-message.ts'
import { gaveUp, isTooLate, type Verdict, verdictOf } from './verdict.ts'

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
/** A gateway that threw what it never should: the push may have left. */
const UNKNOWN: PushOutcome = { state: 'retry', reason: 'gateway failed', afterMs: 10_000, maybeSent: true }

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

/** Throws `PushGatewayUnusable` after giving back the devices to which nothing left. */
async function pushAll(
  parts: SendParts,
  message: Message,
  claims: readonly Claim[],
  signal: AbortSignal,
): Promise<void> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(PUSH_WITHIN_MS)])
  const results = await Promise.all(claims.map((claim) => pushOne(parts, message, claim, limited)))
  const judged = results.flatMap(({ claim, result }) =>
    result instanceof PushGatewayUnusable ? [] : [{ claim, verdict: result }],
  )
  const kept = results.flatMap(({ claim, result }) => (result instanceof PushGatewayUnusable ? [claim] : []))
  const now = new Date(parts.clock())
  await recordOutcomes(parts.db, message.id, judged, now)
  await releaseClaims(parts.db, message.id, kept, now)
  const unusable = results.map(({ result }) => result).find((result) => result instanceof PushGatewayUnusable)
  if (unusable !== undefined) throw unusable
}

async function pushOne(
  { push, clock, log, random = Math.random }: SendParts,
  message: Message,
  claim: Claim,
  signal: AbortSignal,
): Promise<{ claim: Claim; result: Verdict | PushGatewayUnusable }> {
  if (claim.target === null || claim.targetKind === null) return { claim, result: gaveUp('no target') }
  if (isTooLate(claim, clock())) return { claim, result: gaveUp('too late') }
  const target = { kind: claim.targetKind, value: claim.target }
  try {
    const outcome = await push.send(toPush(message, claim.deviceId, target), signal)
    return { claim, result: verdictOf(outcome, claim, clock(), random) }
  } catch (error) {
    if (error instanceof PushGatewayUnusable) return { claim, result: error }
    log.error({ err: error, notification_id: message.id }, 'the push gateway failed')
    return { claim, result: verdictOf(UNKNOWN, claim, clock(), random) }
  }
}
