import type { Clock } from '#src/core/clock.ts'
import { AppError } from '#src/core/errors.ts'
import type { Logger } from '#src/core/logger.ts'
import type { Cache } from '#src/ports/cache.ts'
import { NO_VERSION, versionKey, versionOf } from './answer-version.ts'
import type { Consumption, ConsumptionQuestion } from './consumption.ts'
import { entityTag } from './entity-tag.ts'
import { nothingKnown } from './errors.ts'
import { asStale, decodeKept, encodeKept, encodeNothing, type KeptAnswer, type KeptNothing } from './kept-answer.ts'
import { toAnswer } from './view.ts'

/** Computes an answer; `beforeLooking` runs before the rows that it is made of are read. */
export type Load = (question: ConsumptionQuestion, beforeLooking: () => Promise<void>) => Promise<Consumption>

/**
 * - `HIT`: kept, and as good as a new one.
 * - `MISS`: made for this request.
 * - `STALE`: older than it should be: a source or PostgreSQL is down, or it is being renewed behind this request.
 */
export type CacheStatus = 'HIT' | 'MISS' | 'STALE'

type MaybeLater<T> = T | Promise<T>

export interface ServedAnswer {
  readonly status: CacheStatus
  readonly etag: string
  readonly body: string
}

export interface AnswerParts {
  readonly cache: Cache
  readonly load: Load
  readonly clock: Clock
  readonly log: Logger
  /** How old what an answer says may be, in milliseconds, before its sources have to be asked again. */
  readonly knowledgeFreshForMs: number
  /** Told how each question was answered; NOTHING is the refusal while nothing is known. */
  readonly onServed?: (outcome: CacheStatus | 'NOTHING') => void
}

/**
 * Well below what the knowledge itself is good for: a miss costs one short statement, and a change of links whose
 * `forgetUsers` was lost with the cache shows after a minute or two.
 */
const FRESH_FOR_MS = 60_000
/** While a source or PostgreSQL is down: short, so that its return shows within seconds, yet not asked by every request. */
const STALE_FOR_MS = 3_000
/** An answer that ran out so recently is served at once and renewed behind the request. */
const RENEW_BEHIND_MS = 60_000
/** Kept beyond that only for when PostgreSQL cannot be asked. */
const KEPT_FOR_MS = 24 * 3_600_000

/** Answers as they were sent, kept in the cache under their question and good for one version of the user's answers. */
export class Answers {
  readonly #parts: AnswerParts
  readonly #flights = new Map<string, Promise<ServedAnswer>>()

  constructor(parts: AnswerParts) {
    this.#parts = parts
  }

  /** At once, without a promise, when a good answer is kept inside the process: that is what most requests get. */
  serve(question: ConsumptionQuestion): ServedAnswer | Promise<ServedAnswer> {
    const key = keyOf(question)
    const { cache, onServed } = this.#parts
    const [version, text] = [cache.get(versionKey(question.userId)), cache.get(key)]
    const hit = typeof version === 'string' && typeof text === 'string' ? this.#hit(version, text) : undefined
    if (hit === undefined) return this.#serveLater(question, key, version, text)
    onServed?.(hit.status)
    return hit
  }

  #hit(version: string, text: string): ServedAnswer | undefined {
    const kept = this.#current(version, text)
    if (kept === undefined || 'isNothing' in kept) return undefined
    return this.#ranOutMs(kept) < 0 ? served(kept, 'HIT') : undefined
  }

  async #serveLater(
    question: ConsumptionQuestion,
    key: string,
    version: MaybeLater<string | undefined>,
    text: MaybeLater<string | undefined>,
  ): Promise<ServedAnswer> {
    try {
      const answer = await this.#answer(question, key, await version, await text)
      this.#parts.onServed?.(answer.status)
      return answer
    } catch (error) {
      if (isNothingKnown(error)) this.#parts.onServed?.('NOTHING')
      throw error
    }
  }

  async #answer(
    question: ConsumptionQuestion,
    key: string,
    version: string | undefined,
    text: string | undefined,
  ): Promise<ServedAnswer> {
    const kept = this.#current(version, text)
    if (kept !== undefined && 'isNothing' in kept) {
      if (this.#ranOutMs(kept) < 0) throw nothingKnown()
      return this.#flight(key, question, kept.version)
    }
    if (kept !== undefined) {
      const ranOutMs = this.#ranOutMs(kept)
      if (ranOutMs < 0) return served(kept, 'HIT')
      if (!kept.isStale && ranOutMs < RENEW_BEHIND_MS) {
        this.#renewBehind(key, question, kept)
        return served(kept, 'STALE')
      }
    }
    return this.#flight(key, question, version ?? (await versionOf(this.#parts.cache, question.userId)), kept)
  }

  /** What is kept, if it was made under this version. */
  #current(version: string | undefined, text: string | undefined): KeptAnswer | KeptNothing | undefined {
    const found = text === undefined ? undefined : decodeKept(text)
    return found?.version === version ? found : undefined
  }

  /** How long ago it ceased to be as good as a new one; negative while it is. For ever, if a clock that was ahead kept it. */
  #ranOutMs({ freshUntil }: KeptAnswer | KeptNothing): number {
    const ranOutMs = this.#parts.clock() - freshUntil
    return ranOutMs < -2 * FRESH_FOR_MS ? Number.POSITIVE_INFINITY : ranOutMs
  }

  /** Waits for what is under way, so that nothing touches a closed database. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#flights.values())
  }

  #renewBehind(key: string, question: ConsumptionQuestion, kept: KeptAnswer): void {
    // Failures are logged where they happen; this request has its answer.
    this.#flight(key, question, kept.version, kept).catch(() => undefined)
  }

  /** One computation per question and version; everyone who asks meanwhile shares it. */
  #flight(key: string, question: ConsumptionQuestion, version: string, kept?: KeptAnswer): Promise<ServedAnswer> {
    const flightKey = `${version} ${key}`
    const running = this.#flights.get(flightKey)
    if (running !== undefined) return running
    const flight = this.#make(key, question, version, kept).finally(() => this.#flights.delete(flightKey))
    this.#flights.set(flightKey, flight)
    return flight
  }

  async #make(
    key: string,
    question: ConsumptionQuestion,
    versionAtStart: string,
    kept: KeptAnswer | undefined,
  ): Promise<ServedAnswer> {
    const { cache, load, log } = this.#parts
    let version = versionAtStart
    let hasLooked = false
    try {
      const consumption = await load(question, async () => {
        if (hasLooked) version = await versionOf(cache, question.userId)
        hasLooked = true
      })
      const body = JSON.stringify(toAnswer(consumption))
      const freshUntil = this.#freshUntil(consumption)
      return this.#keep(key, { version, freshUntil, isStale: consumption.stale, etag: entityTag(body), body })
    } catch (error) {
      if (isNothingKnown(error)) this.#keepNothing(key, version)
      if (error instanceof AppError || kept === undefined) throw error
      log.error({ err: error }, 'a kept answer stands in for one that could not be made')
      return this.#keep(key, { ...asStale(kept), freshUntil: this.#parts.clock() + STALE_FOR_MS })
    }
  }

  #keepNothing(key: string, version: string): void {
    if (version === NO_VERSION) return
    const freshUntil = this.#parts.clock() + STALE_FOR_MS
    void this.#parts.cache.set(key, encodeNothing({ version, freshUntil }), STALE_FOR_MS)
  }

  /** The answer does not wait for it to be kept: a cache that is slow would hold it up. */
  #keep(key: string, answer: KeptAnswer): ServedAnswer {
    if (answer.version !== NO_VERSION) void this.#parts.cache.set(key, encodeKept(answer), KEPT_FOR_MS)
    return served(answer, 'MISS')
  }

  #freshUntil({ stale, asOf }: Consumption): number {
    const now = this.#parts.clock()
    if (stale) return now + STALE_FOR_MS
    const knowledgeUntil = (asOf?.getTime() ?? now) + this.#parts.knowledgeFreshForMs
    return Math.min(now + FRESH_FOR_MS, knowledgeUntil)
  }
}

function isNothingKnown(error: unknown): boolean {
  return error instanceof AppError && error.code === nothingKnown().code
}

function served({ etag, body, isStale }: KeptAnswer, status: CacheStatus): ServedAnswer {
  return { status: isStale ? 'STALE' : status, etag, body }
}

/** The range is resolved, so that yesterday's default range is another question than today's. */
function keyOf({ userId, scope, from, to, grouping, meterId = '' }: ConsumptionQuestion): string {
  const seenBy = scope.kind === 'all' ? '' : scope.agencyId
  return `consumption:answer:${userId}:${seenBy}:${from}:${to}:${grouping}:${meterId}`
}
