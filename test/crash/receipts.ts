import type { Received } from '#src/simulators/fcm/received.ts'

/** One time that FCM received a push. */
export interface Receipt {
  readonly atMs: number
  /** `sent`, an error's name, or the fault: `reset`, `refuse`, `hang`, `goaway`, `half_answer`. */
  readonly outcome: string
  /** What FCM asked for with an error, beyond its least wait. */
  readonly retryAfterMs: number
}

/** A push that FCM has taken, although its sender may not have heard so. */
export const hasTaken = ({ outcome }: Receipt): boolean => outcome === 'sent' || outcome === 'half_answer'

const TAKE_EVERY_MS = 500

export function pushKey(notificationId: string, target: string): string {
  return `${notificationId} ${target}`
}

/** Takes what FCM received out of the simulator now and then: it keeps no more than 100,000 of them. */
export class Receipts {
  readonly byPush = new Map<string, Receipt[]>()
  readonly #received: Received
  readonly #timer: NodeJS.Timeout
  /** What errors ask for now, by their names. */
  retryAfterMs: Readonly<Record<string, number>> = {}

  constructor(received: Received) {
    this.#received = received
    this.#timer = setInterval(() => this.take(), TAKE_EVERY_MS)
  }

  take(): void {
    for (const { body, target, outcome, receivedAtMs } of this.#received.list({ limit: Number.POSITIVE_INFINITY })) {
      const { message } = JSON.parse(body) as { message: { data: Record<string, string> } }
      this.add(pushKey(message.data['notification_id'] ?? '', target), {
        atMs: receivedAtMs,
        outcome,
        retryAfterMs: this.retryAfterMs[outcome] ?? 0,
      })
    }
    this.#received.clear()
  }

  add(key: string, receipt: Receipt): void {
    const known = this.byPush.get(key)
    if (known === undefined) this.byPush.set(key, [receipt])
    else known.push(receipt)
  }

  close(): void {
    clearInterval(this.#timer)
    this.take()
  }
}
