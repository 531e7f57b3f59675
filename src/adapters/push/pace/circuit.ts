import type { PushOutcome } from '#src/ports/push-gateway.ts'
import type { Gate } from './pace.ts'
import { type ProviderHealth, providerHealth } from './provider-health.ts'

/** Fewer outcomes than this say nothing about the provider. */
const LEAST_OUTCOMES = 20
const WINDOW_MS = 10_000
/** After a pause so many may try, the urgent first; when so many went well, everybody goes on. */
const PROBES = 5
/** Google's least wait before a retry; jittered upwards, so that workers do not come back together. */
const PAUSE_MS = 10_000
const PAUSE_JITTER = 0.5

/**
 * Pauses all sending when more than half of the outcomes say "unavailable", then lets a few through to see. A push that
 * tells nothing of the provider is not counted, and a probe that tells nothing leaves its place to another.
 */
export class Circuit implements Gate {
  readonly #random: () => number
  #state: 'closed' | 'open' | 'half_open' = 'closed'
  /** Of a window while closed, of the probes while half open. */
  #outcomes = 0
  #unavailable = 0
  #probesOut = 0
  #windowEndsAt = 0
  /** Outcomes of pushes that left before the last change tell nothing about now. */
  #generation = 0

  constructor(random: () => number) {
    this.#random = random
  }

  get isOpen(): boolean {
    return this.#state === 'closed' || (this.#state === 'half_open' && this.#probesOut + this.#outcomes < PROBES)
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
    // A push whose turn came before the pause may leave in it; only those that are let through after it are probes.
    if (generation !== this.#generation || this.#state === 'open') return undefined
    const health = providerHealth(outcome)
    const afterMs = outcome?.state === 'retry' ? outcome.afterMs : 0
    return this.#state === 'closed' ? this.#noteClosed(health, afterMs, nowMs) : this.#noteProbe(health, afterMs)
  }

  /** The pause is over. */
  resume(): void {
    if (this.#state === 'open') this.#change('half_open')
  }

  #noteClosed(health: ProviderHealth, afterMs: number, nowMs: number): number | undefined {
    if (health === 'nothing') return undefined
    if (nowMs >= this.#windowEndsAt) {
      this.#windowEndsAt = nowMs + WINDOW_MS
      this.#outcomes = 0
      this.#unavailable = 0
    }
    this.#outcomes += 1
    // Not what is unclear: one connection that breaks has a hundred pushes on it, and the next one may be well.
    if (health !== 'unavailable') return undefined
    this.#unavailable += 1
    const isTooMuch = this.#outcomes >= LEAST_OUTCOMES && this.#unavailable * 2 > this.#outcomes
    return isTooMuch ? this.#pause(afterMs) : undefined
  }

  #noteProbe(health: ProviderHealth, afterMs: number): number {
    this.#probesOut -= 1
    // Also what is unclear: else all that wait would leave as probes, one after the other, and be lost.
    if (health === 'unavailable' || health === 'unclear') return this.#pause(afterMs)
    if (health === 'well') this.#outcomes += 1
    if (this.#outcomes >= PROBES) this.#change('closed')
    return 0
  }

  #pause(askedMs: number): number {
    this.#change('open')
    return Math.max(askedMs, PAUSE_MS * (1 + PAUSE_JITTER * this.#random()))
  }

  #change(state: 'closed' | 'open' | 'half_open'): void {
    this.#state = state
    this.#generation += 1
    this.#outcomes = 0
    this.#unavailable = 0
    this.#probesOut = 0
  }
}
