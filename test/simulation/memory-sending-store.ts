import type { AccountRange } from '#src/modules/notifications/sending/account-range.ts'
import type {
  Chunk,
  ChunkDevice,
  DeliveryRow,
  Lease,
  PageRecord,
} from '#src/modules/notifications/sending/chunk-store.ts'
import type { DueOutcome } from '#src/modules/notifications/sending/due-store.ts'
import { type Claim, LEASE_MS } from '#src/modules/notifications/sending/push-page.ts'
import type { RetiredTarget } from '#src/modules/notifications/sending/retire-targets.ts'
import { GATEWAY_PAUSE_MS, maybeArrived } from '#src/modules/notifications/sending/verdict.ts'

export interface MemoryDevice extends ChunkDevice {
  target: string
  /** FCM does not know its target any more. */
  isDead: boolean
  isQuarantined: boolean
}

export interface MemoryChunk {
  readonly number: number
  readonly through: string
  settledThrough: string
  sendingThrough: string | null
  lease: number
  leasedUntil: Date | null
  isDone: boolean
  devicesLeft: number
  sent: number
  muted: number
  expired: number
}

export interface MemoryRow {
  readonly deviceId: string
  state: DeliveryRow['state'] | 'pending'
  attempts: number
  firstTriedAt: Date
  nextAttemptAt: Date | null
  maybeDuplicate: boolean
}

const CLAIM_SIZE = 64

/**
 * What PostgreSQL keeps of one notification that is being sent, and what the statements over it do, each at once and
 * whole. The conformance suite holds it equal to them.
 */
export class MemorySendingStore {
  state: 'sending' | 'cancelled' | 'done' = 'sending'
  /** In the order of accounts, and of devices within one. */
  readonly devices: MemoryDevice[]
  readonly chunks: readonly MemoryChunk[]
  readonly rows = new Map<string, MemoryRow>()
  /** Devices whose row has changed, for whoever watches to take away. */
  touched: string[] = []
  /** When the next attempt is queued for; undefined: it is not. */
  followUpAt: Date | undefined

  constructor(devices: MemoryDevice[], chunks: readonly MemoryChunk[]) {
    this.devices = devices
    this.chunks = chunks
  }

  chunk(number: number): Chunk | undefined {
    const chunk = this.chunks[number - 1]
    if (chunk === undefined || chunk.isDone) return undefined
    const { settledThrough, through, sendingThrough, lease, leasedUntil } = chunk
    return { number, settledThrough, through, sendingThrough, lease, leasedUntil }
  }

  devicesIn({ after, through }: AccountRange): ChunkDevice[] {
    return this.devices
      .filter((device) => device.accountId > after && device.accountId <= through)
      .filter((device) => !device.isDead && !device.isQuarantined && !this.rows.has(device.deviceId))
      .map(({ accountId, deviceId, targetKind, target, preference }) => ({
        accountId,
        deviceId,
        targetKind,
        target,
        preference,
      }))
  }

  take(
    read: Chunk,
    first: { readonly sendingThrough: string; readonly until: Date; readonly devices: number },
    notificationId: string,
  ): Lease | undefined {
    const chunk = this.chunks[read.number - 1]
    if (chunk === undefined || chunk.isDone) return undefined
    if (chunk.lease !== read.lease || chunk.settledThrough !== read.settledThrough) return undefined
    chunk.devicesLeft = first.devices
    chunk.lease += 1
    chunk.leasedUntil = first.until
    chunk.sendingThrough = later(chunk.sendingThrough, first.sendingThrough)
    return { notificationId, number: chunk.number, lease: chunk.lease }
  }

  record(lease: Lease, page: PageRecord): 'recorded' | 'cancelled' | 'lost' {
    const chunk = this.chunks[lease.number - 1]
    if (chunk === undefined || chunk.lease !== lease.lease) return 'lost'
    if (chunk.isDone || chunk.settledThrough !== page.after) {
      if (chunk.settledThrough !== page.through) return 'lost'
      return this.state === 'cancelled' ? 'cancelled' : 'recorded'
    }
    const next = typeof page.rest === 'object' ? page.rest : undefined
    const stillUnknown = chunk.sendingThrough !== null && chunk.sendingThrough > page.through
    chunk.settledThrough = page.through
    chunk.sendingThrough = later(stillUnknown ? chunk.sendingThrough : null, next?.sendingThrough ?? null)
    chunk.leasedUntil = next?.until ?? null
    chunk.isDone = page.rest === 'done'
    chunk.devicesLeft -= page.sent + page.muted + page.expired + page.rows.length
    chunk.sent += page.sent
    chunk.muted += page.muted
    chunk.expired += page.expired
    for (const row of page.rows) this.#add(row)
    if (this.state !== 'sending') return 'cancelled'
    for (const { nextAttemptAt } of page.rows) if (nextAttemptAt !== null) this.#queueFollowUp(nextAttemptAt)
    return 'recorded'
  }

  release(lease: Lease, unknownThrough: string | null): void {
    const chunk = this.chunks[lease.number - 1]
    if (chunk === undefined || chunk.lease !== lease.lease) return
    chunk.leasedUntil = null
    chunk.sendingThrough = unknownThrough
  }

  retire(retired: readonly RetiredTarget[]): void {
    for (const { deviceId, target, how } of retired) {
      const device = this.devices.find((one) => one.deviceId === deviceId)
      if (device === undefined || device.isDead || device.target !== target) continue
      if (how === 'dead') device.isDead = true
      else device.isQuarantined = true
    }
  }

  claim(nowMs: number): Claim[] {
    if (this.state !== 'sending') return []
    const due = [...this.rows.values()].filter(
      (row) => row.nextAttemptAt !== null && row.nextAttemptAt.getTime() <= nowMs,
    )
    due.sort((a, b) => time(a) - time(b) || (a.deviceId < b.deviceId ? -1 : 1))
    return due.slice(0, CLAIM_SIZE).map((row) => {
      row.maybeDuplicate ||= row.state === 'pending'
      if (row.state === 'held') row.firstTriedAt = new Date(nowMs)
      row.state = 'pending'
      row.attempts += 1
      row.nextAttemptAt = new Date(nowMs + LEASE_MS)
      const device = this.devices.find(({ deviceId }) => deviceId === row.deviceId)
      const { deviceId, attempts, firstTriedAt, maybeDuplicate } = row
      const hasTarget = device !== undefined && !device.isDead
      const target = hasTarget && !device.isQuarantined ? device.target : null
      return {
        deviceId,
        targetKind: hasTarget ? device.targetKind : null,
        target,
        attempts,
        firstTriedAt,
        maybeDuplicate,
      }
    })
  }

  recordDue(outcomes: readonly DueOutcome[]): void {
    for (const { claim, verdict } of outcomes) {
      const row = this.rows.get(claim.deviceId)
      if (row === undefined) continue
      const isOurs = row.state === 'pending' && row.attempts === claim.attempts
      const isOpen = row.state === 'pending' || row.state === 'retrying'
      if (!isOurs && !(verdict.state === 'sent' && isOpen)) continue
      row.state = verdict.state
      row.nextAttemptAt = verdict.state === 'retrying' ? verdict.nextAttemptAt : null
      row.maybeDuplicate ||= maybeArrived(verdict)
      this.touched.push(claim.deviceId)
    }
  }

  releaseDue(claims: readonly Claim[], now: Date): void {
    for (const { deviceId, attempts } of claims) {
      const row = this.rows.get(deviceId)
      if (row === undefined || row.state !== 'pending' || row.attempts !== attempts) continue
      row.state = attempts === 1 ? 'held' : 'retrying'
      row.attempts -= 1
      row.nextAttemptAt = new Date(now.getTime() + GATEWAY_PAUSE_MS)
      this.touched.push(deviceId)
    }
  }

  settle(): void {
    const isOpen = this.chunks.some((chunk) => !chunk.isDone) || this.#firstDue() !== undefined
    if (this.state === 'sending' && !isOpen) this.state = 'done'
  }

  queueFollowUp(): void {
    const due = this.#firstDue()
    if (due !== undefined) this.#queueFollowUp(due)
  }

  #add({ deviceId, state, attempts, firstTriedAt, nextAttemptAt, maybeDuplicate }: DeliveryRow): void {
    if (this.rows.has(deviceId)) return
    this.touched.push(deviceId)
    this.rows.set(deviceId, { deviceId, state, attempts, firstTriedAt, nextAttemptAt, maybeDuplicate })
  }

  #firstDue(): Date | undefined {
    let first: Date | undefined
    for (const { nextAttemptAt } of this.rows.values()) {
      if (nextAttemptAt !== null && (first === undefined || nextAttemptAt < first)) first = nextAttemptAt
    }
    return first
  }

  #queueFollowUp(at: Date): void {
    if (this.followUpAt === undefined || at < this.followUpAt) this.followUpAt = at
  }
}

const time = (row: MemoryRow): number => row.nextAttemptAt?.getTime() ?? 0

function later(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b
  return a > b ? a : b
}
