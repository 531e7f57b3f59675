import { createServer, type IncomingMessage, type Server } from 'node:http'
import { BadControlRequest, readRule, readWhole } from './control-shapes.ts'
import type { PushCounts } from './push-counts.ts'
import type { MessageFilter, Received, ReceivedMessage } from './received.ts'
import type { Rules } from './rules.ts'

export interface Controlled {
  readonly rules: Rules
  readonly received: Received
  readonly pushes: PushCounts | undefined
  revokeTokens(): number
  goawayAll(): number
  /** Undefined: for good. */
  die(forMs: number | undefined): Promise<void>
}

interface ControlAnswer {
  readonly status: number
  readonly body?: unknown
}

type Route = (controlled: Controlled, url: URL, body: string) => ControlAnswer | Promise<ControlAnswer>

const BODY_LIMIT_BYTES = 100_000
const LIMIT_DEFAULT = 100
const LIMIT_MOST = 1000

/** The routes that tell the simulator what to do; plain HTTP, meant for loopback. */
export function controlServer(controlled: Controlled): Server {
  return createServer((request, response) => {
    void answer(controlled, request).then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(body === undefined ? '' : `${JSON.stringify(body)}\n`)
    })
  })
}

async function answer(controlled: Controlled, request: IncomingMessage): Promise<ControlAnswer> {
  try {
    const url = new URL(request.url ?? '/', 'http://control')
    const route = ROUTES[`${request.method} ${url.pathname}`]
    if (route === undefined) {
      return { status: 404, body: { error: `there is ${Object.keys(ROUTES).join(', ')}` } }
    }
    return await route(controlled, url, await readBody(request))
  } catch (error) {
    const isTheirs = error instanceof BadControlRequest
    return { status: isTheirs ? 400 : 500, body: { error: error instanceof Error ? error.message : String(error) } }
  }
}

const ROUTES: Readonly<Record<string, Route>> = {
  'GET /rules': ({ rules }) => ({ status: 200, body: { items: rules.list() } }),
  'POST /rules': ({ rules }, _url, body) => ({ status: 201, body: rules.add(readRule(parse(body))) }),
  'DELETE /rules': ({ rules }, url) => {
    const id = readWhole('id', url.searchParams.get('id'), 1, Number.MAX_SAFE_INTEGER)
    const removed = rules.remove(id)
    return id !== undefined && removed === 0
      ? { status: 404, body: { error: `there is no rule ${id}` } }
      : { status: 200, body: { removed } }
  },
  'GET /messages': ({ received }, url) => {
    const items = received.list(readFilter(url.searchParams)).map(view)
    return { status: 200, body: { items, next_since: items.at(-1)?.seq ?? null } }
  },
  'GET /messages/count': ({ received }) => ({ status: 200, body: received.counts() }),
  'GET /pushes/count': ({ pushes }) =>
    pushes === undefined
      ? { status: 404, body: { error: 'pushes are not counted one by one: start it with --counts-only' } }
      : { status: 200, body: pushes.view() },
  'DELETE /messages': ({ received, pushes }) => {
    pushes?.clear()
    return { status: 200, body: { forgotten: received.clear() } }
  },
  'POST /tokens/revoke': (controlled) => ({ status: 200, body: { revoked: controlled.revokeTokens() } }),
  'POST /goaway': (controlled) => ({ status: 200, body: { connections: controlled.goawayAll() } }),
  'POST /die': async (controlled, url) => {
    await controlled.die(readWhole('for_ms', url.searchParams.get('for_ms'), 1, 3_600_000))
    return { status: 200, body: { dead: true } }
  },
}

function readFilter(query: URLSearchParams): MessageFilter {
  const unknown = [...query.keys()].find((name) => !['target', 'since', 'limit'].includes(name))
  if (unknown !== undefined) throw new BadControlRequest(`there is no ${unknown}; there is target, since, limit`)
  const limit = readWhole('limit', query.get('limit'), 1, LIMIT_MOST) ?? LIMIT_DEFAULT
  const target = query.get('target')
  return { limit, ...(target === null ? {} : { target }), ...readSince(query.get('since')) }
}

function readSince(since: string | null): { sinceSeq?: number; sinceMs?: number } {
  if (since === null) return {}
  if (/^\d+$/.test(since)) return { sinceSeq: Number(since) }
  const sinceMs = Date.parse(since)
  if (Number.isNaN(sinceMs)) throw new BadControlRequest('since must be a sequence number or an ISO 8601 time')
  return { sinceMs }
}

function view(message: ReceivedMessage) {
  const request = JSON.parse(message.body) as { message?: unknown }
  return {
    seq: message.seq,
    id: message.id,
    target_kind: message.targetKind,
    target: message.target,
    outcome: message.outcome,
    received_at: new Date(message.receivedAtMs).toISOString(),
    protocol: message.protocol,
    message: request.message ?? null,
  }
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new BadControlRequest('the body must be JSON')
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > BODY_LIMIT_BYTES) throw new BadControlRequest(`the body is longer than ${BODY_LIMIT_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
