import type { PushOutcome } from '#src/ports/push-gateway.ts'
import type { Gate } from './pace.ts'

/** Fewer answers than this say nothing about the provider. */
const LEAST_ANSWERS = 20
const WINDOW_MS = 10_000
/** After a pause so many may try, the urgent first; when all were answered, everybody goes on. */
const PROBES = 5
/** Google's least wait before a retry; jittered upwards, so that workers do not come back together. */
const PAUSE_MS = 10_000
const PAUSE_JITTER = 0.5

/** The provider, or the way to it, is away; nothing about the message. */
const UNAVAILABLE = new Set(['UNAVAILABLE', 'HTTP_503', 'UNREACHABLE', 'TOKEN_ENDPOINT_UNAVAILABLE'])

/** Pauses all sending when more than half of the answers say "unavailable", then lets a few through to see. */
export class Circuit implements Gate {
  readonly #random: () => number
  #state: 'closed' | 'open' | 'half_open' = 'closed'
  /** Of a window while closed, of the probes while half open. */
  #answers = 0
  #unavailable = 0
  #probesOut = 0
  #windowEndsAt = 0
  /** Outcomes of pushes that left before the last change tell nothing about now. */
  #generation = 0

  constructor(random: () => number) {
    this.#random = random
  }

  get isOpen(): boolean {
    return this.#state === 'closed' || (this.#state === 'half_open' && this.#probesOut + this.#answers < PROBES)
  }

  get generation(): number {
    return this.#generation
  }

  pass(): void {
    if (this.#state === 'half_open') this.#probesOut += 1
  }

  /**
   * What became of a push that passed at `generation`; undefined when nothing is known of it. Returns for how long to
   * pause from now on (`resume` is due after that), 0 when pushes that wait may go, undefined when nothing changed.
   */
  note(outcome: PushOutcome | undefined, generation: number, nowMs: number): number | undefined {
    if (generation !== this.#generation) return undefined
    const isAnswer = outcome !== undefined && (outcome.state !== 'retry' || !outcome.maybeSent)
    const isAway = outcome?.state === 'retry' && UNAVAILABLE.has(outcome.reason)
    const afterMs = outcome?.state === 'retry' ? outcome.afterMs : 0
    return this.#state === 'closed'
      ? this.#noteClosed(isAway, afterMs, nowMs)
      : this.#noteProbe(isAnswer && !isAway, isAway, afterMs)
  }

  /** The pause is over. */
  resume(): void {
    if (this.#state === 'open') this.#change('half_open')
  }

  #noteClosed(isAway: boolean, afterMs: number, nowMs: number): number | undefined {
    if (nowMs >= this.#windowEndsAt) {
      this.#windowEndsAt = nowMs + WINDOW_MS
      this.#answers = 0
      this.#unavailable = 0
    }
    this.#answers += 1
    if (!isAway) return undefined
    this.#unavailable += 1
    const isTooMuch = this.#answers >= LEAST_ANSWERS && this.#unavailable * 2 > this.#answers
    return isTooMuch ? this.#pause(afterMs) : undefined
  }

  #noteProbe(isWell: boolean, isAway: boolean, afterMs: number): number | undefined {
    this.#probesOut -= 1
    if (isAway) return this.#pause(afterMs)
    if (isWell) this.#answers += 1
    if (this.#answers >= PROBES) this.#change('closed')
    return 0
  }

  #pause(askedMs: number): number {
    this.#change('open')
    return Math.max(askedMs, PAUSE_MS * (1 + PAUSE_JITTER * this.#random()))
  }

  #change(state: 'closed' | 'open' | 'half_open'): void {
    this.#state = state
    this.#generation += 1
    this.#answers = 0
    this.#unavailable = 0
    this.#probesOut = 0
  }
}
