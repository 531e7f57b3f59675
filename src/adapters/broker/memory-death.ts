import { type Headers, type HeaderValue, HeaderNumber, int32 } from '#src/ports/message-headers.ts'
import type { QueuedMessage } from './memory-backlog.ts'

/** The message's headers with its death written down as RabbitMQ does: newest first, one entry per queue and reason. */
export function deathHeaders(message: QueuedMessage, queue: string, reason: 'rejected' | 'expired'): Headers {
  const earlier = deaths(message.headers)
  const same = earlier.find((death) => death['queue'] === queue && death['reason'] === reason)
  const count = same?.['count'] instanceof HeaderNumber ? same['count'].value : 0
  const death: Headers = {
    queue,
    reason,
    exchange: message.exchange,
    'routing-keys': [message.routingKey],
    count: int32(count + 1),
  }
  const first = {
    'x-first-death-queue': queue,
    'x-first-death-reason': reason,
    'x-first-death-exchange': message.exchange,
  }
  return { ...first, ...message.headers, 'x-death': [death, ...earlier.filter((other) => other !== same)] }
}

/** It has been in that queue already and nobody rejected it on the way: only time moves it, and would for ever. */
export function goesInCircles(headers: Headers, queue: string): boolean {
  const all = deaths(headers)
  return all.some((death) => death['queue'] === queue) && all.every((death) => death['reason'] === 'expired')
}

function deaths(headers: Headers): Headers[] {
  const list = headers['x-death']
  return Array.isArray(list) ? list.filter(isTable) : []
}

function isTable(value: HeaderValue): value is Headers {
  return value !== null && typeof value === 'object' && !(value instanceof HeaderNumber) && !Array.isArray(value)
}
