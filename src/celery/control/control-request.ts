import type { Delivery } from '#src/ports/broker.ts'
import { readPythonJson } from '../python-json.ts'

export const CONTROL_EXCHANGE = { name: 'celery.pidbox', type: 'fanout', durable: false } as const
export const REPLY_EXCHANGE = { name: 'reply.celery.pidbox', type: 'direct', durable: false } as const

/** What every mailbox queue of Celery is declared with. */
export const MAILBOX_ARGUMENTS = { 'x-expires': 10_000, 'x-message-ttl': 300_000 } as const

export interface ControlRequest {
  readonly method: string
  readonly arguments: Readonly<Record<string, unknown>>
  readonly ticket: string | null
  readonly replyTo: { readonly exchange: string; readonly routingKey: string } | undefined
}

type Fields = Readonly<Record<string, unknown>>

/** The request, if it is one and is meant for this node. */
export function readControlRequest({ body }: Pick<Delivery, 'body'>, node: string): ControlRequest | undefined {
  const fields = asFields(readPythonJson(body.toString('utf8')))
  const method = fields['method']
  if (typeof method !== 'string' || !isAddressed(fields, node)) return undefined
  const { exchange, routing_key: routingKey } = asFields(fields['reply_to'])
  return {
    method,
    arguments: asFields(fields['arguments']),
    ticket: typeof fields['ticket'] === 'string' ? fields['ticket'] : null,
    replyTo: typeof exchange === 'string' && typeof routingKey === 'string' ? { exchange, routingKey } : undefined,
  }
}

/** By name, else by pattern, else everybody. */
function isAddressed({ destination, pattern, matcher }: Fields, node: string): boolean {
  if (Array.isArray(destination)) return destination.includes(node)
  if (typeof destination === 'string') return destination === node
  if (typeof pattern !== 'string' || typeof matcher !== 'string') return true
  try {
    return new RegExp(matcher === 'pcre' ? `^(?:${pattern})` : globSource(pattern)).test(node)
  } catch {
    return false
  }
}

/** Shell patterns: `*`, `?`, `[abc]`, `[!abc]`. */
function globSource(glob: string): string {
  const source = glob.replaceAll(/\[!?\]?[^\]]*\]|[^]/g, (part) => {
    if (part === '*') return '.*'
    if (part === '?') return '.'
    if (part.length > 1) return part.replace(/^\[!/, '[^').replaceAll('\\', '\\\\')
    return part.replace(/[.+^${}()|[\]\\]/, '\\$&')
  })
  return `^(?:${source})$`
}

function asFields(value: unknown): Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Fields) : {}
}
