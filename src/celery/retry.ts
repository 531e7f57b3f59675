import type { OutgoingMessage } from '#src/ports/broker.ts'
import { encodeTaskMessage } from './message.ts'
import type { TaskRequest } from './observer.ts'

/**
 * The next try: a new message with the same id, one retry more and an eta, to where this one came from. A task
 * without a parent becomes its own, as Celery has it.
 *
 * @param now milliseconds since 1970 UTC
 * @throws JsonUnwritable only for protocol 1, which is written anew
 */
export function retryMessage({ message, delivery }: TaskRequest, delayMs: number, now: number): OutgoingMessage {
  const { envelope } = message
  const next = {
    ...envelope,
    retries: envelope.retries + 1,
    eta: now + delayMs,
    parentId: envelope.parentId ?? envelope.id,
  }
  const { exchange, routingKey } = delivery
  return encodeTaskMessage({ exchange, routingKey }, next, message.bodyForRetry(), now)
}
