import type { Timers } from '#src/core/timers.ts'
import type { App } from '#src/http/app.ts'
import { actorOf, bearerToken, LOGGED_IN } from '#src/http/policy.ts'
import { ProblemAnswer } from '#src/http/problem.ts'
import { inboxErrors } from './errors.ts'
import type { Hub } from './hub.ts'
import { Position } from './position.ts'
import { ResponseSink } from './response-sink.ts'
import * as schemas from './schemas.ts'

export interface EventParts {
  readonly hub: Hub
  readonly timers: Timers
  /** When a token that was verified ends, in milliseconds since 1970. */
  readonly expiryOf: (token: string) => number
}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // A proxy that collects the answer before it passes it on would pass on nothing.
  'x-accel-buffering': 'no',
}

export function eventsRoute({ hub, timers, expiryOf }: EventParts) {
  return (app: App): void => {
    app.get(
      '/api/events',
      {
        config: { policy: LOGGED_IN, isStream: true },
        // An answer to HEAD would have to end, and tell of a stream that does not.
        exposeHeadRoute: false,
        schema: {
          tags: ['inbox'],
          summary: 'What changes in the inbox, as server-sent events',
          headers: schemas.EventHeaders,
          response: { 200: schemas.EventStream, 400: ProblemAnswer, 429: ProblemAnswer, 503: ProblemAnswer },
        },
      },
      (request, reply) => {
        const actor = actorOf(request)
        const expiresAt = expiryOf(bearerToken(request.headers.authorization))
        const { 'last-event-id': lastEventId } = request.headers
        const position = positionOf(lastEventId, timers.now())
        hub.admit(actor)
        reply.hijack()
        const { raw } = reply
        raw.writeHead(200, { ...HEADERS, 'x-request-id': request.id })
        const sink = new ResponseSink(raw, timers)
        raw.once('close', hub.add({ ...actor, expiresAt, sink, position, isResumed: lastEventId !== undefined }))
      },
    )
  }
}

function positionOf(lastEventId: string | undefined, nowMs: number): Position {
  if (lastEventId === undefined) return Position.at(nowMs)
  const position = Position.parse(lastEventId, nowMs)
  if (position === undefined) throw inboxErrors.invalidEventId()
  return position
}
