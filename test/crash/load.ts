import { setTimeout as delay } from 'node:timers/promises'
import type { Planned } from './messages.ts'
import type { Person } from './people.ts'

/** A notification that an API has answered with 202, and whom it is for. */
export interface Accepted {
  readonly id: string
  readonly people: readonly Person[]
  readonly sendAtMs?: number
  /** When a cancel of it was answered with 200. */
  cancelledAtMs?: number
}

export interface LoadParts {
  /** Where the APIs are; one of them may be dead. */
  readonly urls: readonly string[]
  /** A bearer token that is good now. */
  readonly token: () => Promise<string>
  readonly message: (number: number) => Planned
  readonly perSecond: number
  /** Stops by itself after so many. @default never */
  readonly most?: number
}

const RETRY_PAUSE_MS = 100
/** What is away is back long before; a request that is not answered by then is a finding. */
const GIVE_UP_AFTER_MS = 90_000

interface Answer {
  readonly status: number
  readonly text: string
}

/** Senders at a steady rate, who ask again under the same Idempotency-Key when they were not answered, or with 503. */
export class Load {
  readonly accepted: Accepted[] = []
  /** What no sender should see: another status than 202, or no answer at all. */
  readonly refused: string[] = []
  /** Requests that were not answered, or with 503, and had to be sent again. */
  repeats = 0
  readonly #parts: LoadParts
  readonly #underWay = new Set<Promise<void>>()
  #isStopped = false

  constructor(parts: LoadParts) {
    this.#parts = parts
  }

  /** Posts until `stop`. */
  async run(): Promise<void> {
    const { perSecond, most = Number.POSITIVE_INFINITY } = this.#parts
    const startedAt = performance.now()
    for (let turn = 0; !this.#isStopped && turn < most; turn += 1) {
      const dueMs = startedAt + (turn * 1_000) / perSecond - performance.now()
      if (dueMs > 0) await delay(dueMs)
      const sent = this.#post(turn)
      this.#underWay.add(sent)
      void sent.finally(() => this.#underWay.delete(sent))
    }
    await Promise.all(this.#underWay)
  }

  stop(): void {
    this.#isStopped = true
  }

  async #post(turn: number): Promise<void> {
    const { key, body, people, sendAtMs, cancelAfterMs } = this.#parts.message(turn)
    const answer = await this.#insist(turn, '/notifications', key, JSON.stringify(body))
    if (answer?.status !== 202) return void this.refused.push(`${answer?.status ?? 'no answer'} ${answer?.text ?? ''}`)
    const { id } = JSON.parse(answer.text) as { id: string }
    const accepted: Accepted = { id, people, ...(sendAtMs === undefined ? {} : { sendAtMs }) }
    this.accepted.push(accepted)
    if (cancelAfterMs !== undefined) await this.#cancel(turn, accepted, cancelAfterMs)
  }

  async #cancel(turn: number, accepted: Accepted, afterMs: number): Promise<void> {
    await delay(afterMs)
    const answer = await this.#insist(turn, `/api/notifications/${accepted.id}/cancel`, undefined, undefined)
    if (answer?.status === 200) accepted.cancelledAtMs = Date.now()
    // It was sent to everybody before.
    else if (answer?.status !== 409) this.refused.push(`cancel: ${answer?.status ?? 'no answer'} ${answer?.text ?? ''}`)
  }

  /** Asks until there is an answer that is one; undefined when it takes too long. */
  async #insist(turn: number, path: string, key: string | undefined, body: string | undefined) {
    const giveUpAt = performance.now() + GIVE_UP_AFTER_MS
    for (let attempt = turn; performance.now() < giveUpAt; attempt += 1) {
      const answer = await this.#ask(attempt, path, key, body).catch(() => undefined)
      if (answer !== undefined && answer.status !== 503) return answer
      this.repeats += 1
      await delay(RETRY_PAUSE_MS)
    }
    return undefined
  }

  /** Throws when there was no answer, and with that no knowledge of what was done. */
  async #ask(turn: number, path: string, key: string | undefined, body: string | undefined): Promise<Answer> {
    const { urls, token } = this.#parts
    const headers = {
      authorization: `Bearer ${await token()}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    }
    const init = { method: 'POST', headers, ...(body === undefined ? {} : { body }) }
    const response = await fetch(`${urls[turn % urls.length] ?? ''}${path}`, {
      ...init,
      signal: AbortSignal.timeout(10_000),
    })
    return { status: response.status, text: await response.text() }
  }
}
