import type { Push, PushOutcome } from '#src/ports/push-gateway.ts'
import type { Happenings } from './happenings.ts'
import type { Scenario } from './scenario.ts'

/** What one run of a task may do, as far as the checker must know. */
export interface TaskRun {
  /** Counts the statements that allowed a page of pushes. */
  page: number
  /** When the last of them was done. */
  allowedAt: number
  /** Until when it holds. */
  heldUntil: number
}

/** Of one device. */
interface Seen {
  /** How often FCM has taken the message for it. */
  arrived: number
  /** How often it was handed over. */
  attempts: number
  /** The answer to the last attempt asked not to be sent to before this. */
  notBefore: number
  /** That answer is in the database: whoever died with one took it along. */
  isToldRecorded: boolean
}

const LEAST_WAIT_MS = 10_000

/** Watches a history from outside: what was handed over, what arrived, what was answered, and what the database says in the end. */
export class Witness {
  readonly #scenario: Scenario
  readonly #time: Happenings
  readonly #seen = new Map<string, Seen>()
  readonly #initial: readonly string[]
  readonly #faults: string[] = []
  readonly #recordedAt = new Map<string, number>()
  /** The page that each run had under way when it was cancelled. */
  readonly #lastPages = new Map<TaskRun, number>()
  #cancelledAt = Number.POSITIVE_INFINITY

  constructor(scenario: Scenario, time: Happenings) {
    this.#scenario = scenario
    this.#time = time
    this.#initial = scenario.store.devices.map(({ deviceId }) => deviceId)
  }

  fault(words: string): void {
    this.#faults.push(words)
  }

  cancelled(): void {
    this.#cancelledAt = this.#time.nowMs
  }

  /** @returns which attempt it is, for `answered` */
  handedOver(push: Push, run: TaskRun): number {
    const { nowMs } = this.#time
    const { sending, store } = this.#scenario
    const deviceId = deviceOf(push)
    const seen = this.#of(deviceId)
    if (sending.expiresAt !== null && nowMs >= sending.expiresAt.getTime())
      this.fault(`sent after its expiry: ${deviceId}`)
    if (nowMs > run.heldUntil) this.fault(`sent ${nowMs - run.heldUntil} ms after the end of a lease: ${deviceId}`)
    if (nowMs > this.#cancelledAt) this.#checkPage(run)
    const row = store.rows.get(deviceId)
    const recordedAt = this.#recordedAt.get(deviceId) ?? Number.POSITIVE_INFINITY
    if (row !== undefined && row.state !== 'pending' && recordedAt < run.allowedAt) {
      this.fault(`sent although it is ${row.state}: ${deviceId}`)
    }
    if (nowMs < seen.notBefore && seen.isToldRecorded && recordedAt < run.allowedAt) {
      this.fault(`sent ${seen.notBefore - nowMs} ms too early: ${deviceId}`)
    }
    seen.attempts += 1
    seen.notBefore = 0
    return seen.attempts
  }

  /** The database has an outcome of these. */
  recorded(deviceIds: readonly string[]): void {
    for (const deviceId of deviceIds) {
      const isAnswer = this.#scenario.store.rows.get(deviceId)?.state === 'retrying'
      this.#recordedAt.set(deviceId, this.#time.nowMs)
      this.#of(deviceId).isToldRecorded = isAnswer
    }
  }

  arrived(push: Push): void {
    this.#of(deviceOf(push)).arrived += 1
  }

  answered(push: Push, attempt: number, outcome: PushOutcome): void {
    const seen = this.#of(deviceOf(push))
    if (attempt !== seen.attempts) return
    seen.isToldRecorded = false
    seen.notBefore = outcome.state === 'retry' ? this.#time.nowMs + Math.max(outcome.afterMs, LEAST_WAIT_MS) : 0
  }

  close() {
    const { store } = this.#scenario
    if (store.state === 'sending') this.fault('it stands still and has not ended')
    if (store.state === 'done') this.#checkOutcomes()
    let duplicates = 0
    for (const [deviceId, { arrived }] of this.#seen) {
      const row = store.rows.get(deviceId)
      if (arrived < 2) continue
      duplicates += 1
      if (row?.maybeDuplicate !== true && store.state === 'done')
        this.fault(`arrived ${arrived} times, unexplained: ${deviceId}`)
    }
    return { faults: this.#faults, duplicates }
  }

  #checkOutcomes(): void {
    const { store } = this.#scenario
    // Who installed the app meanwhile may or may not be reached.
    let [leastWithout, mostWithout, arrivedWithout] = [0, 0, 0]
    for (const { deviceId } of store.devices) {
      const { arrived } = this.#of(deviceId)
      const row = store.rows.get(deviceId)
      if (row === undefined) {
        if (this.#initial.includes(deviceId)) leastWithout += 1
        mostWithout += 1
        if (arrived > 0) arrivedWithout += 1
        continue
      }
      if (row.state === 'sent' && arrived === 0) this.fault(`counted as sent, and never arrived: ${deviceId}`)
      if (row.state !== 'sent' && arrived > 0 && !row.maybeDuplicate) {
        this.fault(`arrived, and is ${row.state} without a mark: ${deviceId}`)
      }
      if (row.nextAttemptAt !== null) this.fault(`still ${row.state}: ${deviceId}`)
    }
    const sum = (of: (chunk: (typeof store.chunks)[number]) => number): number =>
      store.chunks.reduce((total, chunk) => total + of(chunk), 0)
    if (sum(({ sent }) => sent) !== arrivedWithout) {
      this.fault(`${sum(({ sent }) => sent)} counted as sent without a row, ${arrivedWithout} arrived`)
    }
    const counted = sum(({ sent, muted, expired }) => sent + muted + expired)
    if (counted < leastWithout || counted > mostWithout) {
      this.fault(`${counted} counted without a row, ${leastWithout} to ${mostWithout} have none`)
    }
  }

  /** The page under way may still leave, and no other. */
  #checkPage(run: TaskRun): void {
    const last = this.#lastPages.get(run)
    if (last === undefined) this.#lastPages.set(run, run.page)
    else if (last !== run.page) this.fault('more than one page was sent after it was cancelled')
  }

  #of(deviceId: string): Seen {
    let seen = this.#seen.get(deviceId)
    if (seen === undefined) {
      seen = { arrived: 0, attempts: 0, notBefore: 0, isToldRecorded: false }
      this.#seen.set(deviceId, seen)
    }
    return seen
  }
}

const deviceOf = ({ target }: Push): string => target.value.slice('target of '.length)
