/** One message that reached the simulator with a valid token and shape, whatever became of it. */
export interface ReceivedMessage {
  readonly seq: number
  readonly id: string
  readonly targetKind: string
  readonly target: string
  /** `sent`, `validated`, an error's name, or the fault: `reset`, `refuse`, `hang`, `goaway`, `half_answer`. */
  readonly outcome: string
  readonly receivedAtMs: number
  readonly protocol: 'h2' | '1.1'
  /** The request's own text: parsed only when somebody asks. */
  readonly body: string
}

export interface ReceivedCounts {
  readonly total: number
  readonly kept: number
  readonly by_outcome: Readonly<Record<string, number>>
  readonly by_protocol: Readonly<Record<string, number>>
}

export interface MessageFilter {
  readonly target?: string
  /** A sequence number: only later ones. */
  readonly sinceSeq?: number
  readonly sinceMs?: number
  readonly limit: number
}

const MAX_MESSAGES = 100_000
const MAX_BODY_CHARS = 64_000_000

/** The last messages in full, within bounds of number and size, and the counts of all. */
export class Received {
  readonly #isKept: (target: string) => boolean
  #ring: ReceivedMessage[] = []
  /** Where the oldest kept one is: moving it is cheap, and the array is cut now and then. */
  #start = 0
  #bodyChars = 0
  #lastSeq = 0
  #total = 0
  readonly #byOutcome = new Map<string, number>()
  readonly #byProtocol = new Map<string, number>()

  /** @param isKept which targets' messages are kept; all are counted */
  constructor(isKept: (target: string) => boolean = () => true) {
    this.#isKept = isKept
  }

  add(message: Omit<ReceivedMessage, 'seq'>): void {
    this.#total += 1
    this.#lastSeq += 1
    this.#byOutcome.set(message.outcome, (this.#byOutcome.get(message.outcome) ?? 0) + 1)
    this.#byProtocol.set(message.protocol, (this.#byProtocol.get(message.protocol) ?? 0) + 1)
    if (!this.#isKept(message.target)) return
    this.#ring.push({ seq: this.#lastSeq, ...message })
    this.#bodyChars += message.body.length
    while (this.#ring.length - this.#start > MAX_MESSAGES || this.#bodyChars > MAX_BODY_CHARS) this.#dropOldest()
  }

  counts(): ReceivedCounts {
    return {
      total: this.#total,
      kept: this.#ring.length - this.#start,
      by_outcome: Object.fromEntries(this.#byOutcome),
      by_protocol: Object.fromEntries(this.#byProtocol),
    }
  }

  /** In the order received: with a `since`, the first after it; without, the last ones. */
  list(filter: MessageFilter): ReceivedMessage[] {
    const { target, sinceSeq = 0, sinceMs = 0, limit } = filter
    const found: ReceivedMessage[] = []
    const fits = (message: ReceivedMessage): boolean =>
      message.seq > sinceSeq && message.receivedAtMs >= sinceMs && (target === undefined || message.target === target)
    if (filter.sinceSeq === undefined && filter.sinceMs === undefined) {
      for (let at = this.#ring.length - 1; at >= this.#start && found.length < limit; at -= 1) {
        const message = this.#ring[at]
        if (message !== undefined && fits(message)) found.push(message)
      }
      return found.toReversed()
    }
    for (let at = this.#start; at < this.#ring.length && found.length < limit; at += 1) {
      const message = this.#ring[at]
      if (message !== undefined && fits(message)) found.push(message)
    }
    return found
  }

  /** Forgets messages and counts; sequence numbers go on. */
  clear(): number {
    const forgotten = this.#ring.length - this.#start
    this.#ring = []
    this.#start = 0
    this.#bodyChars = 0
    this.#total = 0
    this.#byOutcome.clear()
    this.#byProtocol.clear()
    return forgotten
  }

  #dropOldest(): void {
    this.#bodyChars -= this.#ring[this.#start]?.body.length ?? 0
    this.#start += 1
    if (this.#start < MAX_MESSAGES / 4) return
    this.#ring = this.#ring.slice(this.#start)
    this.#start = 0
  }
}
