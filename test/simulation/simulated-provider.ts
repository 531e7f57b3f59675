import { type Push, type PushGateway, PushGatewayUnusable, type PushOutcome } from '#src/ports/push-gateway.ts'
import type { Chance } from './chance.ts'
import type { Happenings, Party } from './happenings.ts'
import type { TaskRun, Witness } from './witness.ts'

export interface ProviderParts {
  readonly chance: Chance
  readonly time: Happenings
  readonly witness: Witness
  readonly isTroubled: () => boolean
  readonly level: number
}

const TROUBLES = [
  'away',
  'quota',
  'unheard',
  'unknown',
  'dead',
  'refused',
  'quarantined',
  'thrown',
  'hangs',
  'cut',
] as const
type Fate = 'sent' | (typeof TROUBLES)[number]

const GIVEN_UP_AFTER_MS = 15_000

/** FCM and the client before it, in virtual time, with every outcome that the port knows. */
export class SimulatedProvider {
  /** Pushes that reached FCM. */
  pushes = 0
  readonly #parts: ProviderParts
  #unusableUntil = 0

  constructor(parts: ProviderParts) {
    this.#parts = parts
  }

  gateway(worker: Party, run: TaskRun): PushGateway {
    return {
      send: (push, signal) => this.#send(worker, run, push, signal),
      [Symbol.asyncDispose]: async () => {},
    }
  }

  #send(worker: Party, run: TaskRun, push: Push, signal: AbortSignal | undefined): Promise<PushOutcome> {
    const { chance, time, witness, isTroubled, level } = this.#parts
    const troubled = isTroubled()
    if (troubled && chance.is(level * 0.01)) this.#unusableUntil = time.nowMs + chance.next() * 60_000
    if (time.nowMs < this.#unusableUntil) {
      return Promise.reject(new PushGatewayUnusable('credentials', 'as the history has it'))
    }
    const attempt = witness.handedOver(push, run)
    const { promise, resolve, reject } = Promise.withResolvers<PushOutcome>()
    const fate: Fate = troubled && chance.is(level * 0.5) ? chance.pick(TROUBLES) : 'sent'
    let hasLeft = false
    const end = (settle: () => void): void => {
      signal?.removeEventListener('abort', abort)
      settle()
    }
    const answer = (outcome: PushOutcome): void =>
      end(() => {
        witness.answered(push, attempt, outcome)
        resolve(outcome)
      })
    const abort = (): void => {
      callOff()
      answer({ state: 'retry', reason: 'ABORTED', afterMs: 10_000, maybeSent: hasLeft })
    }
    // Waits for its turn under the quota.
    const turnMs = troubled && chance.is(level * 0.1) ? chance.next() * 25_000 : chance.next() * 30
    const leave = (): void => {
      hasLeft = true
      this.pushes += 1
      if (fate === 'sent' || fate === 'unheard' || fate === 'thrown') witness.arrived(push)
      const backMs = fate === 'hangs' || fate === 'unheard' ? GIVEN_UP_AFTER_MS : 5 + chance.next() * 200
      callOff = time.after(
        backMs,
        () =>
          fate === 'thrown' ? end(() => reject(new Error('a bug of the gateway'))) : answer(this.#outcomeOf(fate)),
        worker,
      )
    }
    let callOff = time.after(turnMs, leave, worker)
    signal?.addEventListener('abort', abort, { once: true })
    return promise
  }

  #outcomeOf(fate: Exclude<Fate, 'thrown'>): PushOutcome {
    const { chance } = this.#parts
    const retry = (afterMs: number, maybeSent: boolean): PushOutcome => {
      return { state: 'retry', reason: fate, afterMs, maybeSent }
    }
    switch (fate) {
      case 'sent':
        return { state: 'sent', providerId: 'p' }
      case 'dead':
        return { state: 'dead_target', reason: 'UNREGISTERED' }
      case 'refused':
        return { state: 'refused', reason: 'INVALID_ARGUMENT' }
      case 'quarantined':
        return { state: 'refused', reason: 'SENDER_ID_MISMATCH', quarantine: true }
      case 'away':
        return retry(chance.is(0.5) ? 10_000 : chance.next() * 120_000, false)
      case 'quota':
        return retry(60_000, false)
      case 'unheard':
      case 'unknown':
      case 'hangs':
      case 'cut':
        return retry(10_000, true)
    }
  }
}
