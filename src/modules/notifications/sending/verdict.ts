import type { PushOutcome } from '#src/ports/push-gateway.ts'

/**
 * A delivery is sent, failed or dead after its first attempt, or retrying → pending → retrying → …, until an hour after
 * it; expired where that attempt would have come too late. Pending is "someone is sending it again": when that someone
 * crashed its outcome is unknown, and it is sent again.
 */
export type Verdict =
  | { readonly state: 'sent'; readonly providerId: string }
  | { readonly state: 'dead'; readonly reason: string }
  /** It waited for its first attempt until there was no use in it. */
  | { readonly state: 'expired'; readonly reason: string }
  | {
      readonly state: 'failed'
      readonly reason: string
      readonly quarantine: boolean
      /** It was given up after an attempt that may have arrived. */
      readonly maybeArrived: boolean
    }
  | {
      readonly state: 'retrying'
      readonly reason: string
      readonly nextAttemptAt: Date
      /** The attempt may have arrived, so that the next one may be its duplicate. */
      readonly maybeDuplicate: boolean
    }

export interface Attempt {
  /** 1 at the first. */
  readonly attempts: number
  readonly firstTriedAt: Date
}

/** FCM drops what still fails after an hour, and so do we: an old warning helps nobody. */
export const GIVE_UP_AFTER_MS = 60 * 60_000
/** How long a gateway that cannot be used is left alone. */
export const GATEWAY_PAUSE_MS = 30_000
const FIRST_WAIT_MS = 10_000
const LONGEST_WAIT_MS = 10 * 60_000
/** A crowd that failed together must not come back together. */
const JITTER = 0.25

export interface VerdictLimits {
  readonly expiresAt: Date | null
  /** From 0 to below 1. */
  readonly random: () => number
}

/** What becomes of a device after an attempt. */
export function verdictOf(
  outcome: PushOutcome,
  attempt: Attempt,
  nowMs: number,
  { expiresAt, random }: VerdictLimits,
): Verdict {
  switch (outcome.state) {
    case 'sent':
      return { state: 'sent', providerId: outcome.providerId }
    case 'dead_target':
      return { state: 'dead', reason: outcome.reason }
    case 'refused':
      return { state: 'failed', reason: outcome.reason, quarantine: outcome.quarantine === true, maybeArrived: false }
    case 'retry': {
      const nextAttemptMs = nowMs + waitMs(attempt.attempts, outcome.afterMs, random)
      const lastAttemptMs = attempt.firstTriedAt.getTime() + GIVE_UP_AFTER_MS
      if (nextAttemptMs >= Math.min(lastAttemptMs, expiresAt?.getTime() ?? lastAttemptMs))
        return gaveUp(outcome.reason, outcome.maybeSent)
      return {
        state: 'retrying',
        reason: outcome.reason,
        nextAttemptAt: new Date(nextAttemptMs),
        maybeDuplicate: outcome.maybeSent,
      }
    }
  }
}

/** The hour is over before another attempt was made, as when no worker ran. */
export function isTooLate(attempt: Attempt, nowMs: number): boolean {
  return nowMs >= attempt.firstTriedAt.getTime() + GIVE_UP_AFTER_MS
}

/** The time of its notification was over before this attempt. @param mayHaveArrived an attempt before it */
export function pastExpiry({ attempts }: Attempt, mayHaveArrived: boolean): Verdict {
  if (attempts > 1 || mayHaveArrived) return gaveUp('expired')
  return { state: 'expired', reason: 'not tried before it expired' }
}

export function gaveUp(reason: string, maybeSent = false): Verdict {
  return { state: 'failed', reason: `given up: ${reason}`, quarantine: false, maybeArrived: maybeSent }
}

/** Whether the attempt may have reached the device although it does not count as sent. */
export function maybeArrived(verdict: Verdict): boolean {
  return (
    (verdict.state === 'retrying' && verdict.maybeDuplicate) || (verdict.state === 'failed' && verdict.maybeArrived)
  )
}

/** Doubles with each attempt; never below what the provider asked for. */
function waitMs(attempts: number, leastMs: number, random: () => number): number {
  const grownMs = Math.min(FIRST_WAIT_MS * 2 ** (attempts - 1), LONGEST_WAIT_MS)
  return Math.ceil(Math.max(leastMs, grownMs) * (1 + JITTER * random()))
}
