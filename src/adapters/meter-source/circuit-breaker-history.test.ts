import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import { CircuitBreaker, type CircuitState } from './circuit-breaker.ts'

const PAUSE_MS = 1_000

/** How a question may end, and what that says about the source. */
const FATES = {
  answer: 'answered',
  malformed: 'answered',
  unreachable: 'not_answered',
  too_slow: 'not_answered',
  refused: 'not_answered',
  aborted: 'nothing',
  expired: 'nothing',
  bug: 'nothing',
} as const
type Fate = keyof typeof FATES

function errorOf(fate: Exclude<Fate, 'answer'>): Error {
  switch (fate) {
    case 'aborted':
      return new DOMException('the customer has gone', 'AbortError')
    case 'expired':
      return new DOMException('the whole time is over', 'TimeoutError')
    case 'bug':
      return new TypeError('undefined is not a function')
    default:
      return new SourceUnavailable(fate)
  }
}

interface Question {
  readonly end: PromiseWithResolvers<string>
  readonly outcome: Promise<unknown>
  /** In which it was let in. */
  readonly era: Era
}

/** The time between two changes of the circuit. */
interface Era {
  readonly state: CircuitState
  failuresInARow: number
}

/** A breaker and what it is held against, step by step. */
class Subject {
  readonly #failuresToOpen: number
  readonly #breaker: CircuitBreaker
  readonly #underWay: Question[] = []
  #era: Era = { state: 'closed', failuresInARow: 0 }
  #nowMs = 0
  #mayTryAt = 0

  constructor(failuresToOpen: number) {
    this.#failuresToOpen = failuresToOpen
    this.#breaker = new CircuitBreaker({ failuresToOpen, pauseMs: PAUSE_MS, clock: () => this.#nowMs })
  }

  async ask(): Promise<void> {
    const isPausing = this.#era.state === 'open' && this.#nowMs < this.#mayTryAt
    const isLetIn = this.#era.state !== 'probing' && !isPausing
    const end = Promise.withResolvers<string>()
    let wasAsked = false
    const asked = this.#breaker.run(() => {
      wasAsked = true
      return end.promise
    })
    assert.equal(wasAsked, isLetIn)
    if (!isLetIn) {
      await assert.rejects(asked, (error) => error instanceof SourceUnavailable && error.reason === 'circuit_open')
      return
    }
    if (this.#era.state === 'open') this.#turn('probing')
    this.#underWay.push({ end, outcome: asked.catch((error: unknown) => error), era: this.#era })
    this.#check()
  }

  /** @param from which of those under way ends, as a share of them */
  async end(from: number, fate: Fate): Promise<void> {
    const [question] = this.#underWay.splice(Math.floor(from * this.#underWay.length), 1)
    if (question === undefined) return
    const error = fate === 'answer' ? undefined : errorOf(fate)
    if (error === undefined) question.end.resolve('answer')
    else question.end.reject(error)
    assert.equal(await question.outcome, error ?? 'answer')
    if (question.era === this.#era) this.#heard(FATES[fate])
    this.#check()
  }

  pass(ms: number): void {
    this.#nowMs += ms
    this.#check()
  }

  /** Whatever has happened: the first question after a pause that is answered lets everybody in. */
  async recovers(): Promise<void> {
    while (this.#underWay.length > 0) await this.end(0, 'aborted')
    this.pass(PAUSE_MS)
    await this.ask()
    await this.end(0, 'answer')
    assert.equal(this.#breaker.state, 'closed')
    for (let asked = 0; asked < 3; asked += 1) await this.ask()
    assert.equal(this.#underWay.length, 3)
  }

  #heard(word: (typeof FATES)[Fate]): void {
    if (word === 'answered') {
      this.#era.failuresInARow = 0
      if (this.#era.state === 'probing') this.#turn('closed')
    } else if (word === 'nothing') {
      if (this.#era.state === 'probing') this.#turn('open')
    } else {
      this.#era.failuresInARow += 1
      if (this.#era.state === 'closed' && this.#era.failuresInARow < this.#failuresToOpen) return
      this.#mayTryAt = this.#nowMs + PAUSE_MS
      this.#turn('open')
    }
  }

  #turn(state: CircuitState): void {
    this.#era = { state, failuresInARow: 0 }
  }

  #check(): void {
    assert.equal(this.#breaker.state, this.#era.state)
    const probes = this.#underWay.filter(({ era }) => era.state === 'probing' && era === this.#era).length
    assert.equal(probes, this.#era.state === 'probing' ? 1 : 0)
  }
}

const step: fc.Arbitrary<(subject: Subject) => void | Promise<void>> = fc.oneof(
  { weight: 3, arbitrary: fc.constant((subject: Subject) => subject.ask()) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.double({ min: 0, max: 0.99, noNaN: true }), fc.constantFrom(...(Object.keys(FATES) as Fate[])))
      .map(
        ([from, fate]) =>
          (subject: Subject) =>
            subject.end(from, fate),
      ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(1, PAUSE_MS - 1, PAUSE_MS).map((ms) => (subject: Subject) => subject.pass(ms)),
  },
)

test('in every history each question is let in or refused, and its end counted, as the rules say', async () => {
  const histories = fc.array(step, { maxLength: 60, size: 'max' })
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 3 }), histories, async (failuresToOpen, steps) => {
      const subject = new Subject(failuresToOpen)
      for (const run of steps) await run(subject)
      await subject.recovers()
    }),
    { numRuns: 500 },
  )
})
