import { createHash } from 'node:crypto'
import type { Delivery } from '#src/ports/broker.ts'
import type { ReceivedHeaders, ReceivedHeaderValue } from '#src/ports/message-headers.ts'

/** A message that a worker refused for good, as an operator sees it. */
export interface DeadLetter {
  /** The task's id, which the logs have too; a message without one is named after its content. */
  readonly id: string
  /** Undefined when the message is no task. */
  readonly task: string | undefined
  /** Where it died, and where a replay sends it; undefined for what somebody put here by hand. */
  readonly queue: string | undefined
  /** RabbitMQ's word, such as `rejected` or `expired`. */
  readonly reason: string
  readonly diedAt: Date | undefined
  readonly bodyBytes: number
}

type LetterSource = Pick<Delivery, 'headers' | 'body' | 'routingKey'>

export function readLetter({ headers, body, routingKey }: LetterSource): DeadLetter {
  // The latest death comes first.
  const death = deathsOf(headers)[0] ?? {}
  const { time } = death
  return {
    id: textOf(headers['id']) ?? nameByContent(routingKey, body),
    task: textOf(headers['task']),
    queue: textOf(death['queue']),
    reason: textOf(death['reason']) ?? 'unknown',
    diedAt: time instanceof Date ? time : undefined,
    bodyBytes: body.length,
  }
}

function deathsOf(headers: ReceivedHeaders): readonly ReceivedHeaders[] {
  const deaths: ReceivedHeaderValue | undefined = headers['x-death']
  if (!Array.isArray(deaths)) return []
  return (deaths as readonly ReceivedHeaderValue[]).filter(isTable)
}

function isTable(value: ReceivedHeaderValue): value is ReceivedHeaders {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && !Buffer.isBuffer(value)
}

function textOf(value: ReceivedHeaderValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function nameByContent(routingKey: string, body: Buffer): string {
  const digest = createHash('sha256').update(`${routingKey}\n`).update(body).digest('hex')
  return `message-${digest.slice(0, 16)}`
}
