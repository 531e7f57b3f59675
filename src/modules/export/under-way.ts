import type { ServerResponse } from 'node:http'
import { finished } from 'node:stream'
import { exportErrors } from './errors.ts'

const MOST_OF_AN_ACCOUNT = 2
/** Each waits in memory for its client, with some 10 MB where it is as long as an export may be. */
const MOST = 20
const RETRY_AFTER_SECONDS = 10

/** The exports that this process has begun and not ended. */
export class ExportsUnderWay {
  readonly #byAccount = new Map<string, number>()
  #count = 0

  /** Counts one more until its answer has ended, in whatever way. Throws where there are too many. */
  begin(accountId: string, answer: ServerResponse): void {
    const own = this.#byAccount.get(accountId) ?? 0
    const limits = { retryAfterSeconds: RETRY_AFTER_SECONDS, details: { most: MOST_OF_AN_ACCOUNT } }
    if (own >= MOST_OF_AN_ACCOUNT) throw exportErrors.tooMany(limits)
    if (this.#count >= MOST) throw exportErrors.busy({ retryAfterSeconds: RETRY_AFTER_SECONDS })
    this.#byAccount.set(accountId, own + 1)
    this.#count += 1
    finished(answer, () => this.#end(accountId))
  }

  #end(accountId: string): void {
    const others = (this.#byAccount.get(accountId) ?? 1) - 1
    this.#count -= 1
    if (others === 0) this.#byAccount.delete(accountId)
    else this.#byAccount.set(accountId, others)
  }
}
