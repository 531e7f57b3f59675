import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { PushOutcome } from '#src/ports/push-gateway.ts'
import { Circuit } from './circuit.ts'
import type { ProviderHealth } from './provider-health.ts'

const WINDOW_MS = 10_000
const PROBES = 5
const LEAST_OUTCOMES = 20

const retry = (reason: string, maybeSent: boolean): PushOutcome => ({ state: 'retry', reason, afterMs: 0, maybeSent })
const OUTCOMES: Readonly<Record<ProviderHealth, PushOutcome>> = {
  well: { state: 'sent', providerId: 'x' },
  unavailable: retry('UNAVAILABLE', false),
  unclear: retry('TIMEOUT', true),
  nothing: retry('ABORTED', false),
}

interface UnderWay {
  readonly generation: number
  readonly era: Era
}

/** What has happened since the circuit last opened, was tried or closed: enough to tell what it must do. */
class Era {
  readonly state: 'closed' | 'open' | 'half_open'
  readonly heard: { readonly health: ProviderHealth; readonly window: number }[] = []
  underWay = 0

  constructor(state: Era['state']) {
    this.state = state
  }

  count(health: ProviderHealth, window: number): number {
    return this.heard.filter((one) => one.health === health && one.window === window).length
  }

  get letsThrough(): boolean {
    if (this.state !== 'half_open') return this.state === 'closed'
    return this.underWay + this.count('well', 0) < PROBES
  }

  /** The state after what has just been heard, the last of `heard`. */
  next(window: number): Era['state'] {
    const unavailable = this.count('unavailable', window)
    const unclear = this.count('unclear', window)
    const well = this.count('well', window)
    if (this.state === 'half_open') {
      if (unavailable + unclear > 0) return 'open'
      return well >= PROBES ? 'closed' : 'half_open'
    }
    const isLast = this.heard.at(-1)?.health === 'unavailable'
    const all = unavailable + unclear + well
    return isLast && all >= LEAST_OUTCOMES && unavailable * 2 > all ? 'open' : 'closed'
  }
}

/** A circuit and what it is held against, step by step. */
class Subject {
  readonly circuit = new Circuit(() => 0)
  readonly #underWay: UnderWay[] = []
  #era = new Era('closed')
  #nowMs = 0
  #windowEndsAt = 0
  #window = 0

  push(count: number): void {
    for (let at = 0; at < count; at += 1) {
      assert.equal(this.circuit.isOpen, this.#era.letsThrough)
      if (!this.circuit.isOpen) return
      this.circuit.pass()
      this.#era.underWay += 1
      this.#underWay.push({ generation: this.circuit.generation, era: this.#era })
    }
  }

  /** @param from which of those under way come back first, as a share of them */
  settle(count: number, from: number, health: ProviderHealth): void {
    const those = this.#underWay.splice(Math.floor(from * this.#underWay.length), count)
    for (const { generation, era } of those) {
      const answer = this.circuit.note(OUTCOMES[health], generation, this.#nowMs)
      assert.equal(answer, era === this.#era ? this.#expected(health) : undefined)
    }
  }

  #expected(health: ProviderHealth): number | undefined {
    const era = this.#era
    era.underWay -= 1
    const isProbe = era.state === 'half_open'
    if (!isProbe && health === 'nothing') return undefined
    if (!isProbe && this.#nowMs >= this.#windowEndsAt) {
      this.#windowEndsAt = this.#nowMs + WINDOW_MS
      this.#window += 1
    }
    const window = isProbe ? 0 : this.#window
    era.heard.push({ health, window })
    const next = era.next(window)
    if (next !== era.state) this.#era = new Era(next)
    if (next === 'open') return 10_000
    return isProbe ? 0 : undefined
  }

  /** One whose turn came before the pause, and that leaves in it. */
  late(health: ProviderHealth): void {
    if (this.#era.state !== 'open') return
    assert.equal(this.circuit.note(OUTCOMES[health], this.circuit.generation, this.#nowMs), undefined)
  }

  resume(): void {
    this.circuit.resume()
    if (this.#era.state === 'open') this.#era = new Era('half_open')
  }

  pass(ms: number): void {
    this.#nowMs += ms
  }

  /** Whatever has happened: when the provider is well again, everybody goes on. */
  recovers(): void {
    this.settle(this.#underWay.length, 0, 'nothing')
    this.resume()
    this.push(PROBES)
    this.settle(PROBES, 0, 'well')
    assert.equal(this.#era.state, 'closed')
    this.push(100)
    assert.equal(this.#era.underWay, 100)
  }
}

const health = fc.constantFrom<ProviderHealth>('well', 'unavailable', 'unavailable', 'unclear', 'nothing')
const count = fc.integer({ min: 1, max: 30 })
const step: fc.Arbitrary<(subject: Subject) => void> = fc.oneof(
  { weight: 4, arbitrary: count.map((many) => (subject: Subject) => subject.push(many)) },
  {
    weight: 6,
    arbitrary: fc.tuple(count, fc.double({ min: 0, max: 0.99, noNaN: true }), health).map(
      ([many, from, what]) =>
        (subject: Subject) =>
          subject.settle(many, from, what),
    ),
  },
  { weight: 2, arbitrary: fc.constant((subject: Subject) => subject.resume()) },
  { weight: 1, arbitrary: health.map((what) => (subject: Subject) => subject.late(what)) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: WINDOW_MS }).map((ms) => (subject: Subject) => subject.pass(ms)),
  },
)

test('in every history the circuit does what was heard of the provider since its last change asks for', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const subject = new Subject()
      for (const run of steps) run(subject)
      subject.recovers()
    }),
    { numRuns: 1_000 },
  )
})
