import { createLogger } from '#src/core/logger.ts'
import { sendChunk } from '#src/modules/notifications/sending/send-chunk.ts'
import { sendDue } from '#src/modules/notifications/sending/send-due.ts'
import { GATEWAY_PAUSE_MS } from '#src/modules/notifications/sending/verdict.ts'
import { Chance } from './chance.ts'
import { Happenings, type Party, standstillMs } from './happenings.ts'
import type { MemorySendingStore } from './memory-sending-store.ts'
import { aMemoryDevice, idOf, type Scenario, scenarioOf, START_MS } from './scenario.ts'
import { SimulatedProvider } from './simulated-provider.ts'
import { ShakyStore } from './shaky-store.ts'
import { Witness } from './witness.ts'

export interface HistoryReport {
  /** What should never be, in words; none of a good history. */
  readonly faults: readonly string[]
  /** Pushes that left. */
  readonly pushes: number
  readonly crashes: number
  /** Devices that had it more than once, all of them noted as such. */
  readonly duplicates: number
}

type Task = { readonly kind: 'chunk'; readonly number: number } | { readonly kind: 'follow-up' }

/** A process that sends; when it dies another takes its place. */
interface SimulatedWorker extends Party {
  readonly stop: AbortController
  /** Deliveries, of which several may be of one task. */
  readonly running: Set<{ readonly task: Task }>
}

const LONGEST_MS = 12 * 3_600_000
const MOST_HAPPENINGS = 20_000
/** Troubles end, or it would not be a finite history. */
const TROUBLE_FOR_MS = 10 * 60_000
const TASK_AGAIN_AFTER_MS = 10_000
const STOP_GRACE_MS = 4_000
const SILENT = createLogger('fatal')

/** Everything that is ready to run has run: Node empties the promises' queue before it turns to this one. */
const settled = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))

/**
 * Sends one notification by the real code, through workers that crash, a database that fails and an FCM that refuses.
 * @param spoil puts a mistake into the database, to see that it is noticed
 */
export async function runHistory(seed: number, spoil?: (store: MemorySendingStore) => void): Promise<HistoryReport> {
  return new History(seed, spoil).run()
}

class History {
  readonly #chance: Chance
  readonly #scenario: Scenario
  readonly #time = new Happenings(START_MS)
  readonly #witness: Witness
  readonly #provider: SimulatedProvider
  readonly #shaky: ShakyStore
  readonly #workers: SimulatedWorker[] = []
  #crashes = 0

  constructor(seed: number, spoil?: (store: MemorySendingStore) => void) {
    const chance = new Chance(seed)
    const scenario = scenarioOf(chance)
    spoil?.(scenario.store)
    const isTroubled = (): boolean => this.#isTroubled()
    this.#chance = chance
    this.#scenario = scenario
    this.#witness = new Witness(scenario, this.#time)
    const shared = { chance, time: this.#time, isTroubled }
    this.#provider = new SimulatedProvider({ ...shared, witness: this.#witness, level: scenario.troubles.provider })
    this.#shaky = new ShakyStore({ ...shared, witness: this.#witness, level: scenario.troubles.store })
  }

  async run(): Promise<HistoryReport> {
    const { store, workers, cancelAfterMs } = this.#scenario
    for (let count = 0; count < workers; count += 1) this.#workers.push(newWorker())
    for (const { number } of store.chunks) this.#publish({ kind: 'chunk', number }, 0)
    if (cancelAfterMs !== undefined) this.#time.after(cancelAfterMs, () => this.#cancel())
    this.#planTroubles()
    for (;;) {
      await settled()
      this.#publishFollowUp()
      if (!this.#time.step()) break
      if (this.#time.planned > MOST_HAPPENINGS || this.#time.nowMs > START_MS + LONGEST_MS) {
        this.#witness.fault('it never ends')
        break
      }
    }
    const { pushes } = this.#provider
    return { ...this.#witness.close(), pushes, crashes: this.#crashes }
  }

  #isTroubled(): boolean {
    return this.#time.nowMs < START_MS + TROUBLE_FOR_MS
  }

  #cancel(): void {
    const { store } = this.#scenario
    if (store.state !== 'sending') return
    store.state = 'cancelled'
    this.#witness.cancelled()
  }

  #planTroubles(): void {
    const { troubles } = this.#scenario
    const chance = this.#chance
    const plan = (level: number, most: number, act: () => void): void => {
      const count = Math.round(level * chance.next() * most)
      // Most of them while the first pages are under way.
      for (let one = 0; one < count; one += 1) {
        this.#time.after(chance.next() ** 4 * TROUBLE_FOR_MS, act)
      }
    }
    plan(troubles.crash, 6, () => this.#crash(chance.between(0, this.#workers.length - 1)))
    plan(troubles.stop, 3, () => this.#stop(chance.between(0, this.#workers.length - 1)))
    plan(troubles.still, 4, () => {
      const worker = chance.pick(this.#workers)
      worker.stillUntil = this.#time.nowMs + standstillMs(chance)
    })
    plan(troubles.redelivery, 4, () => this.#publish(this.#anyTask(), 0))
    plan(troubles.still, 2, () => this.#addDevice())
  }

  #anyTask(): Task {
    const { chunks } = this.#scenario.store
    if (this.#chance.is(0.4)) return { kind: 'follow-up' }
    return { kind: 'chunk', number: this.#chance.pick(chunks).number }
  }

  /** Somebody installs the app while it is being sent. */
  #addDevice(): void {
    const { devices } = this.#scenario.store
    const { accountId } = this.#chance.pick(devices)
    const device = aMemoryDevice(accountId, idOf(1_000 + devices.length))
    const place = devices.findLastIndex((one) => one.accountId === accountId) + 1
    devices.splice(place, 0, device)
  }

  #crash(place: number): void {
    const worker = this.#workers[place]
    if (worker === undefined || worker.isDead) return
    this.#crashes += 1
    worker.isDead = true
    this.#workers[place] = newWorker()
    for (const { task } of worker.running) this.#publish(task, this.#chance.next() * 3_000)
  }

  /** As a deploy does it: told to stop, and killed when it is not done in time. */
  #stop(place: number): void {
    const worker = this.#workers[place]
    if (worker === undefined || worker.stop.signal.aborted) return
    worker.stop.abort(new Error('the worker stops'))
    this.#time.after(STOP_GRACE_MS, () => {
      if (this.#workers[place] === worker) this.#crash(place)
    })
  }

  #publish(task: Task, delayMs: number): void {
    this.#time.after(Math.max(0, delayMs), () => this.#deliver(task))
  }

  #publishFollowUp(): void {
    const { store } = this.#scenario
    if (store.followUpAt === undefined) return
    const dueAt = store.followUpAt.getTime()
    store.followUpAt = undefined
    this.#publish({ kind: 'follow-up' }, dueAt - this.#time.nowMs)
  }

  #deliver(task: Task): void {
    const takers = this.#workers.filter((worker) => !worker.stop.signal.aborted)
    if (takers.length === 0) return this.#publish(task, 1_000)
    const worker = this.#chance.pick(takers)
    const delivery = { task }
    worker.running.add(delivery)
    this.#run(worker, task).then(
      () => void worker.running.delete(delivery),
      () => {
        worker.running.delete(delivery)
        this.#publish(task, TASK_AGAIN_AFTER_MS)
      },
    )
  }

  async #run(worker: SimulatedWorker, task: Task): Promise<void> {
    const { store, sending, pageDevices } = this.#scenario
    const { chunks, due, ask, run } = this.#shaky.of(worker, store, sending.id)
    if ((await ask(() => store.state)) !== 'sending') return
    const parts = {
      chunks,
      due,
      pageDevices,
      log: SILENT,
      random: this.#chance.next,
      timers: {
        now: () => this.#time.nowMs,
        after: (ms: number, wake: () => void) => this.#time.after(ms, wake, worker),
      },
      push: this.#provider.gateway(worker, run),
    }
    const { signal } = worker.stop
    if (task.kind === 'chunk') {
      const ended = await sendChunk(parts, sending, task.number, signal)
      const nowMs = this.#time.nowMs
      if (ended.end === 'busy') await ask(() => this.#publish(task, ended.until.getTime() - nowMs))
      if (ended.end === 'unusable') await ask(() => this.#publish(task, GATEWAY_PAUSE_MS))
    } else {
      await sendDue(parts, sending, signal)
      await ask(() => store.queueFollowUp())
    }
    await ask(() => store.settle())
  }
}

function newWorker(): SimulatedWorker {
  return { isDead: false, stillUntil: 0, stop: new AbortController(), running: new Set() }
}
