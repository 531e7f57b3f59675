import type { Logger } from '#src/core/logger.ts'
import type { Timers } from '#src/core/timers.ts'
import { type PushGateway, PushGatewayUnusable, type PushOutcome, type PushTarget } from '#src/ports/push-gateway.ts'
import { type Message, pushesOf } from './push-message.ts'
import { type Attempt, gaveUp, isTooLate, pastExpiry, type Verdict, verdictOf } from './verdict.ts'

export interface PushParts {
  readonly push: PushGateway
  readonly timers: Timers
  readonly log: Logger
  /** From 0 to below 1; tests give their own. @default Math.random */
  readonly random?: () => number
}

/** A device that is ours to push to until our lease ends. */
export interface Claim extends Attempt {
  readonly deviceId: string
  readonly targetKind: 'token' | 'fid' | null
  /** Null when the device has lost it since the first attempt, or it was set aside. */
  readonly target: string | null
  /** An attempt before this one may have arrived. */
  readonly maybeDuplicate: boolean
}

/** `unusable`: nothing left, for a reason that is not this device's. */
export type Judged<C extends Claim> =
  | { readonly claim: C; readonly verdict: Verdict }
  | { readonly claim: C; readonly unusable: PushGatewayUnusable }

/**
 * Whoever claims must have recorded the outcome within the lease, or counts as crashed and the device is sent to
 * again. It is longer than the longest push, and short, because nothing else notices a crash.
 */
export const LEASE_MS = 30_000
/** Well below the lease, so that whoever sends has recorded before it counts as crashed. */
const PUSH_WITHIN_MS = 20_000
/** Pushes that take longer than this, as when the quota is short, are asked whether they are still wanted. */
const LOOK_EVERY_MS = 1_000
/** A gateway that threw what it never should: the push may have left. */
const UNKNOWN: PushOutcome = { state: 'retry', reason: 'gateway failed', afterMs: 10_000, maybeSent: true }

/** Whether pushes that leave now end within the lease: whoever was held up for longer may have been taken for dead. */
export function isTimeToPush(leasedUntilMs: number, nowMs: number): boolean {
  return leasedUntilMs - nowMs >= PUSH_WITHIN_MS
}

/** Pushes to all of them at the same time. Never rejects. `isWanted` is asked now and then while it takes. */
export async function pushAll<C extends Claim>(
  parts: PushParts,
  message: Message,
  claims: readonly C[],
  signal: AbortSignal,
  isWanted: () => Promise<boolean>,
): Promise<Judged<C>[]> {
  if (claims.length === 0) return []
  const stop = new AbortController()
  const abort = (): void => stop.abort(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  const cancelLimit = parts.timers.after(PUSH_WITHIN_MS, () => stop.abort(new Error('the pushes took too long')))
  const endWatch = watch(parts.timers, isWanted, stop)
  const pushOf = pushesOf(message)
  try {
    return await Promise.all(claims.map((claim) => pushOne(parts, message, pushOf, claim, stop.signal)))
  } finally {
    endWatch()
    cancelLimit()
    signal.removeEventListener('abort', abort)
  }
}

/** Aborts `stop` when the pushes are not wanted any more. */
function watch(timers: Timers, isWanted: () => Promise<boolean>, stop: AbortController): () => void {
  let cancel = timers.after(LOOK_EVERY_MS, look)
  let isOver = false
  function look(): void {
    isWanted().then(
      (wanted) => (wanted ? again() : stop.abort(new Error('the notification was cancelled'))),
      // Whether it is still wanted is not known: the next look may tell.
      again,
    )
  }
  function again(): void {
    if (!isOver) cancel = timers.after(LOOK_EVERY_MS, look)
  }
  return () => {
    isOver = true
    cancel()
  }
}

async function pushOne<C extends Claim>(
  { push, timers, log, random = Math.random }: PushParts,
  message: Message,
  pushOf: ReturnType<typeof pushesOf>,
  claim: C,
  signal: AbortSignal,
): Promise<Judged<C>> {
  if (claim.target === null || claim.targetKind === null) return { claim, verdict: gaveUp('no target') }
  if (isTooLate(claim, timers.now())) return { claim, verdict: gaveUp('too late') }
  if (message.expiresAt !== null && timers.now() >= message.expiresAt.getTime()) {
    return { claim, verdict: pastExpiry(claim, claim.maybeDuplicate) }
  }
  const target: PushTarget = { kind: claim.targetKind, value: claim.target }
  const limits = { expiresAt: message.expiresAt, random }
  try {
    const outcome = await push.send(pushOf(claim.deviceId, target), signal)
    return { claim, verdict: verdictOf(outcome, claim, timers.now(), limits) }
  } catch (error) {
    if (error instanceof PushGatewayUnusable) return { claim, unusable: error }
    log.error({ err: error, notification_id: message.id }, 'the push gateway failed')
    return { claim, verdict: verdictOf(UNKNOWN, claim, timers.now(), limits) }
  }
}
