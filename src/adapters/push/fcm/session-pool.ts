import type { Logger } from '#src/core/logger.ts'
import { onAbort } from '../shared-abort.ts'
import { FcmSession, type SessionOptions } from './session.ts'

export interface PoolOptions extends SessionOptions {
  /** Connections at most. */
  readonly sessions: number
}

/** No stream could be had: nothing was sent. */
export class NoStream extends Error {
  override readonly name = 'NoStream'
  readonly reason: 'UNREACHABLE' | 'BUSY' | 'ABORTED' | 'CLOSED'

  constructor(reason: NoStream['reason'], options?: { cause?: unknown }) {
    super(`no stream to FCM: ${reason}`, options)
    this.reason = reason
  }
}

interface Waiter {
  readonly resolve: (session: FcmSession) => void
  readonly reject: (error: NoStream) => void
}

/** After a connection failed, callers fail at once for this long instead of each trying again. */
const FAILURE_HOLDS_MS = 1000

/** A few sessions, opened as the load asks for them; callers beyond their streams wait in line. */
export class SessionPool {
  readonly #options: PoolOptions
  readonly #log: Logger
  readonly #waiters = new Set<Waiter>()
  #sessions: FcmSession[] = []
  #opening = 0
  #failure: { readonly cause: unknown; readonly untilMs: number } | undefined
  #isClosed = false
  #drained: (() => void) | undefined

  constructor(options: PoolOptions) {
    this.#options = options
    this.#log = options.log
  }

  /**
   * A session with a stream reserved on it: the caller must `post` once.
   * @throws NoStream
   */
  acquire(waitMs: number, signal: AbortSignal | undefined): FcmSession | Promise<FcmSession> {
    const session = this.#leastLoaded()
    if (session === undefined || session.openStreams >= session.freeStreams) this.#grow()
    if (session === undefined || this.#waiters.size > 0) return this.#wait(waitMs, signal)
    session.reserve()
    return session
  }

  /** Waits up to `graceMs` for open streams, then breaks them. */
  async close(graceMs: number): Promise<void> {
    this.#isClosed = true
    this.#failWaiters(new NoStream('CLOSED'))
    for (const session of this.#sessions) session.leave()
    if (this.#openStreams() > 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#drained = resolve
      const timer = setTimeout(resolve, graceMs)
      await promise
      clearTimeout(timer)
    }
    for (const session of this.#sessions) session.destroy()
  }

  #openStreams(): number {
    return this.#sessions.reduce((sum, session) => sum + session.openStreams, 0)
  }

  #leastLoaded(): FcmSession | undefined {
    let best: FcmSession | undefined
    let bestFree = 0
    for (const session of this.#sessions) {
      const free = session.freeStreams
      if (free > bestFree) {
        best = session
        bestFree = free
      }
    }
    return best
  }

  /** Asked when the least loaded session is half full, so that the next one is ready before the streams run out. */
  #grow(): void {
    if (this.#isClosed || this.#opening + this.#sessions.length >= this.#options.sessions + this.#leaving()) return
    if (this.#failure !== undefined && performance.now() < this.#failure.untilMs) return
    void this.#open()
  }

  #leaving(): number {
    return this.#sessions.reduce((sum, session) => (session.isUsable ? sum : sum + 1), 0)
  }

  async #open(): Promise<void> {
    this.#opening += 1
    try {
      const session = await FcmSession.open(this.#options, this.#changed)
      this.#failure = undefined
      if (this.#isClosed) session.destroy()
      else this.#sessions.push(session)
    } catch (cause) {
      this.#failure = { cause, untilMs: performance.now() + FAILURE_HOLDS_MS }
      const reason = cause instanceof Error ? cause.message : String(cause)
      this.#log.warn({ reason }, 'FCM could not be reached')
    } finally {
      this.#opening -= 1
      this.#changed()
    }
  }

  /** A stream is free again, or a session came or went. Called for each push, so it looks at what is usual first. */
  readonly #changed = (): void => {
    if (this.#leaving() > 0) {
      this.#sessions = this.#sessions.filter((session) => session.isUsable || session.openStreams > 0)
    }
    for (const waiter of this.#waiters) {
      const session = this.#leastLoaded()
      if (session === undefined) break
      session.reserve()
      waiter.resolve(session)
    }
    if (this.#drained !== undefined && this.#openStreams() === 0) this.#drained()
    if (this.#waiters.size === 0) return
    this.#grow()
    const hasHope = this.#opening > 0 || this.#sessions.some((session) => session.isUsable)
    if (!hasHope) this.#failWaiters(new NoStream('UNREACHABLE', { cause: this.#failure?.cause }))
  }

  #wait(waitMs: number, signal: AbortSignal | undefined): Promise<FcmSession> {
    const hasHope = this.#opening > 0 || this.#sessions.some((session) => session.isUsable)
    if (this.#isClosed) return Promise.reject(new NoStream('CLOSED'))
    if (!hasHope) return Promise.reject(new NoStream('UNREACHABLE', { cause: this.#failure?.cause }))
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer)
        stopListening?.()
        this.#waiters.delete(waiter)
      }
      const waiter: Waiter = {
        resolve: (session) => {
          settle()
          resolve(session)
        },
        reject: (error) => {
          settle()
          reject(error)
        },
      }
      const timer = setTimeout(() => waiter.reject(new NoStream('BUSY')), waitMs)
      const abort = (): void => waiter.reject(new NoStream('ABORTED'))
      const stopListening = signal === undefined ? undefined : onAbort(signal, abort)
      this.#waiters.add(waiter)
    })
  }

  #failWaiters(error: NoStream): void {
    for (const waiter of this.#waiters) waiter.reject(error)
  }
}
