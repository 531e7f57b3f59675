import type { ChunkStore, PageRecord } from '#src/modules/notifications/sending/chunk-store.ts'
import { LEASE_MS } from '#src/modules/notifications/sending/push-page.ts'
import type { DueStore } from '#src/modules/notifications/sending/due-store.ts'
import type { Chance } from './chance.ts'
import { type Happenings, type Party, standstillMs } from './happenings.ts'
import type { MemorySendingStore } from './memory-sending-store.ts'
import type { TaskRun, Witness } from './witness.ts'

/** Does something in the database for a worker. */
export type Ask = <T>(act: () => T) => Promise<T>

export interface ShakyParts {
  readonly chance: Chance
  readonly time: Happenings
  readonly witness: Witness
  readonly isTroubled: () => boolean
  readonly level: number
}

/** A client gives up on a statement after so long; the server may do it later. */
const STATEMENT_LIMIT_MS = 10_000

/** A database that may be slow, or away, before or after it has done what it was asked for. */
export class ShakyStore {
  readonly #parts: ShakyParts

  constructor(parts: ShakyParts) {
    this.#parts = parts
  }

  /** As one worker sees it in one run of a task. */
  of(worker: Party, store: MemorySendingStore, notificationId: string) {
    const run: TaskRun = { page: 0, allowedAt: 0, heldUntil: 0 }
    const ask: Ask = (act) => this.#ask(worker, act)
    const allow = <T>(heldUntil: number, act: () => T): Promise<T> =>
      ask(() => {
        const answer = act()
        this.#parts.witness.recorded(store.touched)
        store.touched = []
        run.page += 1
        run.allowedAt = this.#parts.time.nowMs
        // A statement that is done late gives nothing back.
        run.heldUntil = Math.max(run.heldUntil, heldUntil)
        return answer
      })
    const retire: ChunkStore['retire'] = (retired) => ask(() => store.retire(retired))
    const isSending = (): Promise<boolean> => ask(() => store.state === 'sending')
    const chunks: ChunkStore = {
      chunk: (_id, number) => ask(() => store.chunk(number)),
      devices: (_sending, range) => ask(() => store.devicesIn(range)),
      take: (_id, chunk, first) => allow(first.until.getTime(), () => store.take(chunk, first, notificationId)),
      record: (_sending, lease, page) => allow(untilOf(page), () => store.record(lease, page)),
      release: (lease, unknownThrough) => ask(() => store.release(lease, unknownThrough)),
      retire,
      isSending,
    }
    const due: DueStore = {
      claim: (_id, nowMs) => allow(nowMs + LEASE_MS, () => store.claim(nowMs)),
      record: (_id, outcomes) => allow(0, () => store.recordDue(outcomes)),
      release: (_id, claims, now) => allow(0, () => store.releaseDue(claims, now)),
      retire,
      isSending,
    }
    return { chunks, due, ask, run }
  }

  #ask<T>(worker: Party, act: () => T): Promise<T> {
    const { chance, time, isTroubled, level } = this.#parts
    const trouble = isTroubled() && chance.is(level * 0.2) ? chance.between(1, 5) : 0
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const away = (): void => reject(new Error('the database is away'))
    const wayMs = trouble === 4 ? chance.next() * STATEMENT_LIMIT_MS : chance.next() * 10
    const backMs = chance.next() * 10
    if (trouble === 1) time.after(wayMs, away, worker)
    else if (trouble === 2) this.#send(wayMs, act, () => time.after(backMs, away, worker), worker)
    else if (trouble === 3) {
      time.after(STATEMENT_LIMIT_MS, away, worker)
      time.after(STATEMENT_LIMIT_MS + chance.next() * 60_000, () => void act())
    } else {
      // Held up with the answer at hand.
      if (trouble === 5) worker.stillUntil = time.nowMs + standstillMs(chance)
      this.#send(wayMs, act, (answer) => time.after(backMs, () => resolve(answer), worker), worker)
    }
    return promise
  }

  /** What a dying worker has written may or may not arrive. */
  #send<T>(wayMs: number, act: () => T, answered: (answer: T) => void, worker: Party): void {
    const hasLeft = this.#parts.chance.is(0.5)
    this.#parts.time.after(wayMs, () => {
      if (!worker.isDead || hasLeft) answered(act())
    })
  }
}

const untilOf = ({ rest }: PageRecord): number => (typeof rest === 'object' ? rest.until.getTime() : 0)
