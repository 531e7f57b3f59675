import type { Preference } from '#src/modules/preferences/reach-now.ts'
import type { AccountRange } from './account-range.ts'
import type { RetiredTarget } from './retire-targets.ts'
import type { Sending } from './sending.ts'

/** A part of an audience, sent to in the order of accounts, page by page. */
export interface Chunk {
  readonly number: number
  /** Outcomes are recorded of its accounts up to this one. */
  readonly settledThrough: string
  readonly through: string
  /** Whoever held it last may have sent to the accounts after `settledThrough`, up to this one; null: to none. */
  readonly sendingThrough: string | null
  /** How often it was taken. */
  readonly lease: number
  /** Null: nobody has it. */
  readonly leasedUntil: Date | null
}

/** A device that a chunk has to do with, in the order of accounts. */
export interface ChunkDevice {
  readonly accountId: string
  readonly deviceId: string
  readonly targetKind: 'token' | 'fid'
  readonly target: string
  /** Undefined: its owner has asked for nothing. */
  readonly preference: Preference | undefined
}

/** The right to send to a chunk, for a time. Whoever takes it later ends it. */
export interface Lease {
  readonly notificationId: string
  readonly number: number
  readonly lease: number
}

/** What became of a device, or is to become of it. */
export interface DeliveryRow {
  readonly deviceId: string
  readonly state: 'sent' | 'failed' | 'dead' | 'retrying' | 'held' | 'expired'
  readonly attempts: number
  readonly firstTriedAt: Date
  readonly nextAttemptAt: Date | null
  readonly providerId: string | null
  readonly reason: string | null
  readonly maybeDuplicate: boolean
}

/** The outcomes of one page, recorded whole or not at all. */
export interface PageRecord {
  /** What was recorded before. */
  readonly after: string
  readonly through: string
  /** `done`: it was the last page. `released`: others may go on at once. Else the page that is sent next, and until when. */
  readonly rest: 'done' | 'released' | { readonly sendingThrough: string; readonly until: Date }
  /** Devices without a row. */
  readonly sent: number
  readonly muted: number
  readonly expired: number
  readonly rows: readonly DeliveryRow[]
  readonly now: Date
}

/**
 * Where chunks and the outcomes of their devices are kept. Rejects when it cannot be reached; what was asked then may
 * have been done.
 */
export interface ChunkStore {
  /** Undefined when it is done. */
  chunk(notificationId: string, number: number): Promise<Chunk | undefined>
  /** Those of the range that can be pushed to and have no row of this notification yet. */
  devices(sending: Sending, range: AccountRange): Promise<ChunkDevice[]>
  /**
   * Takes a chunk that is as it was read; undefined when somebody else was faster. What its last holder may have sent
   * stays noted in `sendingThrough` until it is recorded.
   */
  take(
    notificationId: string,
    chunk: Chunk,
    first: { readonly sendingThrough: string; readonly until: Date; readonly devices: number },
  ): Promise<Lease | undefined>
  /**
   * Records a page for whoever holds the chunk, and queues the next attempt for what is not settled. Repeating it does no
   * harm. `lost`: another has the chunk; nothing was recorded. `cancelled`: recorded, and no more is to be sent.
   */
  record(sending: Sending, lease: Lease, page: PageRecord): Promise<'recorded' | 'cancelled' | 'lost'>
  /** Gives back a chunk of which no page is under way; what an earlier holder may have sent, it may still have. */
  release(lease: Lease, unknownThrough: string | null): Promise<void>
  /** Takes targets out of use that FCM will not accept again. */
  retire(retired: readonly RetiredTarget[], now: Date): Promise<void>
  /** False once it was cancelled. */
  isSending(notificationId: string): Promise<boolean>
}
