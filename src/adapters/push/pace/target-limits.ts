import { TargetCounts } from './target-counts.ts'

export interface TargetLimitsOptions {
  /** Of the project: how much room the counts need. */
  readonly messagesPerMinute: number
  /** Each worker knows what itself sends and lets a target have its part of the limit. */
  readonly workers: number
}

/** FCM's limits for one Android device. */
const PER_MINUTE = 240
const PER_HOUR = 5_000
const MINUTE_MS = 60_000
/** Targets that the provider itself asked to spare; the oldest are forgotten beyond this many. */
const MOST_HELD = 10_000

/**
 * What one target may be sent. Counts are kept by hash, in tables whose size depends on the quota alone (7 MB at
 * 600,000 messages a minute): two targets may be taken for one, which delays but never sends too many.
 */
export class TargetLimits {
  readonly #counts: readonly TargetCounts[]
  readonly #heldUntil = new Map<string, number>()

  constructor({ messagesPerMinute, workers }: TargetLimitsOptions) {
    const perHour = messagesPerMinute * 60
    this.#counts = [
      new TargetCounts({
        limit: Math.max(1, Math.floor(PER_MINUTE / workers)),
        windowMs: MINUTE_MS,
        messages: messagesPerMinute,
      }),
      new TargetCounts({
        limit: Math.max(1, Math.floor(PER_HOUR / workers)),
        windowMs: 60 * MINUTE_MS,
        messages: perHour,
      }),
    ]
  }

  /** Counts a message to `target` and returns 0; or how long it has to wait, and counts nothing. */
  take(target: string, nowMs: number): number {
    const heldMs = this.#heldUntil.size === 0 ? 0 : this.#heldMs(target, nowMs)
    if (heldMs > 0) return heldMs
    const hash = hashOf(target)
    let waitMs = 0
    for (const counts of this.#counts) waitMs = Math.max(waitMs, counts.waitMs(hash, nowMs))
    if (waitMs === 0) for (const counts of this.#counts) counts.add(hash)
    return waitMs
  }

  /** The provider wants `target` spared for so long. */
  hold(target: string, forMs: number, nowMs: number): void {
    this.#heldUntil.delete(target)
    this.#heldUntil.set(target, nowMs + forMs)
    if (this.#heldUntil.size <= MOST_HELD) return
    const [oldest] = this.#heldUntil.keys()
    if (oldest !== undefined) this.#heldUntil.delete(oldest)
  }

  #heldMs(target: string, nowMs: number): number {
    const untilMs = this.#heldUntil.get(target)
    if (untilMs === undefined) return 0
    if (untilMs > nowMs) return untilMs - nowMs
    this.#heldUntil.delete(target)
    return 0
  }
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash >>> 0
}
