import type { ChunkStore } from './chunk-store.ts'
import type { Claim } from './push-page.ts'
import type { Verdict } from './verdict.ts'

export interface DueOutcome {
  readonly claim: Claim
  readonly verdict: Verdict
}

/** Where deliveries wait for their next attempt. Rejects when it cannot be reached; what was asked then may have been done. */
export interface DueStore extends Pick<ChunkStore, 'retire' | 'isSending'> {
  /**
   * Claims devices whose next attempt is due: those that retry, those that were held, and those whose sender crashed.
   * None once the notification was cancelled, and none whose owner has quiet hours now: they are held until these end.
   */
  claim(notificationId: string, nowMs: number): Promise<Claim[]>
  /**
   * Records what became of claimed devices. Whoever lost its claim meanwhile records nothing, but for `sent`: that
   * happened, whoever tries again.
   */
  record(notificationId: string, outcomes: readonly DueOutcome[], now: Date): Promise<void>
  /**
   * Gives devices back to which nothing left, as if they had not been claimed: a broken gateway does not use up the hour
   * in which a device is tried.
   */
  release(notificationId: string, claims: readonly Claim[], now: Date): Promise<void>
}
