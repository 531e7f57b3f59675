import { setTimeout as delay } from 'node:timers/promises'
import type { ErrorName } from '#src/simulators/fcm/google-errors.ts'
import type { Action, RuleShape } from '#src/simulators/fcm/rules.ts'
import { type Random, randomFor } from '#src/simulators/sic/data/random.ts'
import { type CrashSystem, ENGINE_NAMES, type EngineName, LINE_NAMES, type LineName } from './crash-system.ts'
import type { MemberName } from './fleet.ts'
import type { Condition } from './line.ts'
import { DOOMED_GROUPS, doomedPrefix } from './people.ts'
import { API_POINTS, isOften, type Point, WORKER_POINTS } from './points.ts'
import type { Receipts } from './receipts.ts'

/** What breaks in one run. */
export type Fault =
  | {
      readonly kind: 'kill'
      readonly whom: MemberName
      readonly at?: { readonly point: Point; readonly passing: number }
    }
  | { readonly kind: 'kill engine'; readonly whom: EngineName }
  | { readonly kind: 'cut'; readonly line: LineName }
  | {
      readonly kind: 'line'
      readonly line: LineName
      readonly condition: Exclude<Condition, 'well'>
      readonly forMs: number
    }
  | { readonly kind: 'FCM'; readonly rule: RuleShape; readonly forMs: number }
  | { readonly kind: 'no tokens'; readonly forMs: number }
  | { readonly kind: 'goaway' }
  /** Apps that are gone for good. */
  | { readonly kind: 'doom'; readonly group: number }

export interface PlannedFault {
  readonly fault: Fault
  readonly afterMs: number
}

const PAUSE_MS = 700

/** The fault of this run under this seed: always the same one. */
export function faultOf(seed: number, run: number): PlannedFault {
  const random = randomFor(seed, 'fault', run)
  return { fault: drawFault(random, run), afterMs: random.between(0, PAUSE_MS) }
}

function drawFault(random: Random, run: number): Fault {
  const draw = random.next()
  if (draw < 0.5) return drawKill(random)
  // The engines that take long to come back are killed less often.
  if (draw < 0.54) return { kind: 'kill engine', whom: 'RabbitMQ' }
  if (draw < 0.63) return { kind: 'kill engine', whom: random.pick(ENGINE_NAMES.filter((name) => name !== 'RabbitMQ')) }
  if (draw < 0.7) return { kind: 'cut', line: random.pick(LINE_NAMES) }
  if (draw < 0.8) {
    const condition = random.pick(['stalled', 'slow'] as const)
    return { kind: 'line', line: random.pick(LINE_NAMES), condition, forMs: random.between(500, 4_000) }
  }
  if (draw < 0.84) return { kind: 'goaway' }
  if (draw < 0.86) return { kind: 'no tokens', forMs: random.between(300, 1_500) }
  if (draw < 0.91) return { kind: 'doom', group: run % DOOMED_GROUPS }
  return {
    kind: 'FCM',
    rule: { match: { share: random.between(5, 45) / 100 }, action: drawAction(random) },
    forMs: random.between(500, 2_500),
  }
}

function drawKill(random: Random): Fault {
  const whom = random.pick(['api 1', 'api 2', 'worker 1', 'worker 2'] as const)
  if (random.next() < 0.25) return { kind: 'kill', whom }
  const point = random.pick<Point>(whom.startsWith('api') ? API_POINTS : WORKER_POINTS)
  return { kind: 'kill', whom, at: { point, passing: random.between(1, isOften(point) ? 12 : 2) } }
}

function drawAction(random: Random): Action {
  const error = (name: ErrorName, retryAfterS?: number): Action => ({
    error: name,
    ...(retryAfterS === undefined ? {} : { retry_after_s: retryAfterS }),
  })
  return random.pick<Action>([
    error('UNAVAILABLE'),
    error('UNAVAILABLE', random.between(11, 25)),
    error('INTERNAL'),
    error('QUOTA_EXCEEDED', random.between(5, 70)),
    { reset: true },
    { refuse: true },
    { hang: true },
    { half_answer: true },
  ])
}

/** As slow as Google's at its busiest, so that pushes are under way whenever something breaks. */
const PUSH: RuleShape = { match: {}, action: { delay_ms: 150 } }

export class Breaker {
  readonly #crash: CrashSystem
  readonly #receipts: Receipts
  #doomed: RuleShape[] = []

  constructor(crash: CrashSystem, receipts: Receipts) {
    this.#crash = crash
    this.#receipts = receipts
    this.#rules()
  }

  /**
   * Breaks it, and mends it again. `broken` is called while it is broken, or at once after a moment that has no
   * length. Returns what happened, in words.
   */
  async cause({ fault, afterMs }: PlannedFault, broken: () => Promise<void>): Promise<string> {
    await delay(afterMs)
    const { fleet, lines, killEngine, system } = this.#crash
    switch (fault.kind) {
      case 'kill': {
        const reached = await fleet.kill(fault.whom, fault.at)
        await Promise.all([broken(), fleet.restart(fault.whom)])
        return `killed ${fault.whom}${reached === undefined ? '' : ` at ${reached}`}`
      }
      case 'kill engine':
        await killEngine(fault.whom)
        await broken()
        return `killed ${fault.whom}`
      case 'cut':
        lines[fault.line].cut()
        await broken()
        return `cut the line to ${fault.line}`
      case 'line':
        lines[fault.line].become(fault.condition)
        await delay(fault.forMs)
        lines[fault.line].become('well')
        await broken()
        return `${fault.condition} line to ${fault.line} for ${fault.forMs} ms`
      case 'FCM': {
        const { error, retry_after_s: retryAfterS = 0 } = fault.rule.action
        this.#receipts.take()
        this.#receipts.retryAfterMs = error === undefined ? {} : { [error]: retryAfterS * 1_000 }
        this.#rules(fault.rule)
        await delay(fault.forMs)
        this.#rules()
        await broken()
        return `FCM: ${JSON.stringify(fault.rule)} for ${fault.forMs} ms`
      }
      case 'no tokens':
        this.#rules({ match: { on: 'token' }, action: { error: 'UNAVAILABLE' } })
        await fetch(`${system.fcm.control.url}/tokens/revoke`, { method: 'POST' })
        await delay(fault.forMs)
        this.#rules()
        return `no access tokens for ${fault.forMs} ms`
      case 'goaway':
        await fetch(`${system.fcm.control.url}/goaway`, { method: 'POST' })
        await broken()
        return 'GOAWAY'
      case 'doom':
        this.#doomed = [
          ...this.#doomed,
          { match: { prefix: doomedPrefix(fault.group) }, action: { error: 'UNREGISTERED' } },
        ]
        this.#rules()
        return `UNREGISTERED: group ${fault.group}`
    }
  }

  #rules(...more: readonly RuleShape[]): void {
    const { rules } = this.#crash.system.fcm.control
    rules.remove()
    // The first that matches acts.
    for (const rule of [...this.#doomed, ...more, PUSH]) rules.add(rule)
  }
}
