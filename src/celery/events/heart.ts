import { loadavg, type } from 'node:os'
import type { Broker } from '#src/ports/broker.ts'
import type { Timers } from '#src/core/timers.ts'
import type { EventDispatcher } from './event-dispatcher.ts'

/** Whoever hears nothing for twice as long takes the worker for dead. */
const BEAT_MS = 2_000

/** Who we are, to people who look at a list of workers. */
export const SOFTWARE = { sw_ident: 'node-celery', sw_ver: process.versions.node, sw_sys: type() } as const

export interface HeartOptions {
  readonly dispatcher: EventDispatcher
  /** Whose absence makes a beat pointless. */
  readonly broker: Broker
  readonly timers: Timers
  /** Tasks that run now, and that have started in all. */
  readonly counts: () => { readonly active: number; readonly processed: number }
}

/** Says that the worker is there: at the start, every two seconds, again after the broker was away, and at the end. */
export class Heart {
  readonly #options: HeartOptions
  #wasAway = false
  #stopTimer: (() => void) | undefined

  constructor(options: HeartOptions) {
    this.#options = options
  }

  start(): void {
    this.#options.dispatcher.send('worker-online', this.#fields())
    this.#next()
  }

  /** A beat that someone asked for. Celery answers so, with another frequency and no counts. */
  beatNow(): void {
    this.#options.dispatcher.send('worker-heartbeat', { freq: 5, ...SOFTWARE })
  }

  /** The last word; it ends the dispatcher too. */
  async stop(): Promise<void> {
    this.#stopTimer?.()
    await this.#options.dispatcher.close('worker-offline', this.#fields())
  }

  #next(): void {
    this.#stopTimer = this.#options.timers.after(BEAT_MS, () => {
      this.#beat()
      this.#next()
    })
  }

  #beat(): void {
    const { broker, dispatcher } = this.#options
    if (broker.isConnected) dispatcher.send(this.#wasAway ? 'worker-online' : 'worker-heartbeat', this.#fields())
    this.#wasAway = !broker.isConnected
  }

  #fields(): Readonly<Record<string, unknown>> {
    const load = loadavg().map((value) => Math.round(value * 100) / 100)
    return { freq: BEAT_MS / 1000, ...this.#options.counts(), loadavg: load, ...SOFTWARE }
  }
}
