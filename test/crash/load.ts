import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '#src/simulators/sic/data/random.ts'
import type { Person } from './people.ts'

/** A notification that an API has answered with 202, and whom it is for. */
export interface Accepted {
  readonly id: string
  readonly people: readonly Person[]
}

export interface LoadParts {
  readonly people: readonly Person[]
  /** Where the APIs are; one of them may be dead. */
  readonly urls: readonly string[]
  /** A bearer token that is good now. */
  readonly token: () => Promise<string>
  readonly random: Random
  readonly perSecond: number
}

const PRIORITIES = ['urgent', 'high', 'normal', 'low'] as const
/** Of a list of users: some notifications are one push, others several that leave together. */
const MOST_RECIPIENTS = 8
const RETRY_PAUSE_MS = 100
/** An API is back long before; a request that is not answered by then is a finding. */
const GIVE_UP_AFTER_MS = 60_000

/** Senders at a steady rate, who ask again under the same Idempotency-Key when they were not answered. */
export class Load {
  readonly accepted: Accepted[] = []
  /** What no sender should see: another status than 202, or no answer at all. */
  readonly refused: string[] = []
  /** Requests that were not answered and had to be sent again. */
  repeats = 0
  readonly #parts: LoadParts
  readonly #underWay = new Set<Promise<void>>()
  #isStopped = false
  #posted = 0

  constructor(parts: LoadParts) {
    this.#parts = parts
  }

  /** Posts until `stop`. */
  async run(): Promise<void> {
    const startedAt = performance.now()
    for (let turn = 0; !this.#isStopped; turn += 1) {
      const dueMs = startedAt + (turn * 1_000) / this.#parts.perSecond - performance.now()
      if (dueMs > 0) await delay(dueMs)
      const sent = this.#post()
      this.#underWay.add(sent)
      void sent.finally(() => this.#underWay.delete(sent))
    }
    await Promise.all(this.#underWay)
  }

  stop(): void {
    this.#isStopped = true
  }

  async #post(): Promise<void> {
    const { random, people } = this.#parts
    const some = Array.from({ length: random.between(1, MOST_RECIPIENTS) }, () => random.pick(people))
    const recipients = [...new Set(some)]
    const audience = { kind: 'users', user_ids: recipients.map(({ id }) => id) }
    const body = JSON.stringify({ title: 'Essai', body: 'Charge', priority: random.pick(PRIORITIES), audience })
    const key = randomUUID()
    this.#posted += 1
    const giveUpAt = performance.now() + GIVE_UP_AFTER_MS
    for (let turn = this.#posted; ; turn += 1) {
      try {
        const answer = await this.#ask(turn, key, body)
        if (typeof answer === 'string') this.refused.push(answer)
        else this.accepted.push({ id: answer.id, people: recipients })
        return
      } catch (error) {
        if (performance.now() > giveUpAt) {
          this.refused.push(`never answered: ${(error as Error).message}`)
          return
        }
        this.repeats += 1
        await delay(RETRY_PAUSE_MS)
      }
    }
  }

  /** Throws when there was no answer, and with that no knowledge of what was done. */
  async #ask(turn: number, key: string, body: string): Promise<{ id: string } | string> {
    const { urls, token } = this.#parts
    const headers = {
      authorization: `Bearer ${await token()}`,
      'content-type': 'application/json',
      'idempotency-key': key,
    }
    const url = `${urls[turn % urls.length] ?? ''}/notifications`
    const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(10_000) })
    const text = await response.text()
    return response.status === 202 ? (JSON.parse(text) as { id: string }) : `${response.status} ${text}`
  }
}
