import type { Logger } from '#src/core/logger.ts'
import { steadyTimers, type Timers } from '#src/core/timers.ts'
import { type Push, type PushGateway, PushGatewayUnusable, type PushOutcome } from '#src/ports/push-gateway.ts'
import { Circuit } from './circuit.ts'
import { Pace } from './pace.ts'
import { DEFAULT_MESSAGES_PER_MINUTE, type Quota } from './quota.ts'
import { TargetLimits } from './target-limits.ts'

export interface PacedGatewayOptions {
  /** Closed with the gateway. */
  readonly quota: Quota
  readonly log: Logger
  /** The quota of the project, for the size of what counts each target's messages. @default 600,000 */
  readonly messagesPerMinute?: number
  /** How many send to the same targets. @default 1 */
  readonly workers?: number
  /** All that is measured here are durations. @default steadyTimers */
  readonly timers?: Timers
  /** From 0 to below 1; tests give their own. @default Math.random */
  readonly random?: () => number
}

/** Google's least wait before any retry. */
const RETRY_LEAST_MS = 10_000

/**
 * Lets pushes through to `gateway`, and closes it in the end: at the project's quota, the lane `urgent` first; not more
 * to one target than its device takes; none while the provider says that it is unavailable. A push waits for its turn
 * until its signal aborts, and then is a `retry` of the reason `PACED`. What waits behind it for a stream of its own
 * has its token already. One credential of the provider for Apple's or the web's service that fails
 * (THIRD_PARTY_AUTH_ERROR) stops no lane: a push does not say which platform it is for.
 */
export function pacedGateway(gateway: PushGateway, options: PacedGatewayOptions): PushGateway {
  return new PacedGateway(gateway, options)
}

class PacedGateway implements PushGateway {
  readonly #gateway: PushGateway
  readonly #timers: Timers
  readonly #log: Logger
  readonly #circuit: Circuit
  readonly #pace: Pace
  readonly #targets: TargetLimits
  #openUntil = 0
  #stopPause: (() => void) | undefined
  #closing: Promise<void> | undefined

  constructor(gateway: PushGateway, options: PacedGatewayOptions) {
    const { quota, log, messagesPerMinute = DEFAULT_MESSAGES_PER_MINUTE, workers = 1 } = options
    const { timers = steadyTimers, random = Math.random } = options
    this.#gateway = gateway
    this.#timers = timers
    this.#log = log
    this.#circuit = new Circuit(random)
    this.#pace = new Pace({ quota, timers, random, gate: this.#circuit })
    this.#targets = new TargetLimits({ messagesPerMinute, workers })
  }

  send(push: Push, signal?: AbortSignal): Promise<PushOutcome> {
    if (this.#closing !== undefined) {
      return Promise.reject(new PushGatewayUnusable('closed', 'no push can be sent any more'))
    }
    if (signal?.aborted === true) return Promise.resolve(later('ABORTED', 0))
    const heldMs = this.#targets.take(push.target.value, this.#timers.now())
    if (heldMs > 0) return Promise.resolve(later('DEVICE_LIMIT', heldMs))
    return this.#pace.tryTake(push.lane) ? this.#deliver(push, signal) : this.#sendInTurn(push, signal)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#stopPause?.()
    await this.#pace.close()
    await this.#gateway[Symbol.asyncDispose]()
  }

  async #sendInTurn(push: Push, signal: AbortSignal | undefined): Promise<PushOutcome> {
    const mayGo = await this.#pace.wait(push.lane, signal)
    return mayGo ? this.#deliver(push, signal) : later('PACED', this.#openUntil - this.#timers.now())
  }

  #deliver(push: Push, signal: AbortSignal | undefined): Promise<PushOutcome> {
    const { speed } = this.#pace
    const { generation } = this.#circuit
    return this.#gateway.send(push, signal).then(
      (outcome) => {
        this.#note(outcome, generation)
        if (outcome.state === 'retry' && outcome.overQuota !== undefined) this.#slowDown(push, outcome, speed)
        return outcome
      },
      (error: unknown) => {
        this.#note(undefined, generation)
        throw error
      },
    )
  }

  #slowDown(push: Push, outcome: PushOutcome & { state: 'retry' }, speed: number): void {
    if (outcome.overQuota === 'project') this.#pace.slowDown(speed)
    else this.#targets.hold(push.target.value, outcome.afterMs, this.#timers.now())
  }

  #note(outcome: PushOutcome | undefined, generation: number): void {
    const pauseMs = this.#circuit.note(outcome, generation, this.#timers.now())
    if (pauseMs === undefined) return
    if (pauseMs > 0) this.#pause(pauseMs)
    else this.#pace.reconsider()
  }

  #pause(pauseMs: number): void {
    this.#log.warn({ pause_ms: Math.round(pauseMs) }, 'the push provider is unavailable: sending pauses')
    this.#openUntil = this.#timers.now() + pauseMs
    this.#stopPause = this.#timers.after(pauseMs, () => {
      this.#circuit.resume()
      this.#pace.reconsider()
    })
  }
}

const later = (reason: string, waitMs: number): PushOutcome => ({
  state: 'retry',
  reason,
  afterMs: Math.max(RETRY_LEAST_MS, waitMs),
  maybeSent: false,
})
