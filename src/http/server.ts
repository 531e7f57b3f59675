import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, { type onResponseHookHandler, type RouteOptions } from 'fastify'
import type { Logger } from '#src/core/logger.ts'
import type { App, Routes } from '#src/http/app.ts'
import { errorHandler, type Translate } from '#src/http/error-handler.ts'
import { httpErrors } from '#src/http/errors.ts'
import { healthRoutes, type Readiness } from '#src/http/health.ts'
import { type Metrics, metricsRoute } from '#src/http/metrics.ts'
import { describePolicies, describeRoutes } from '#src/http/openapi.ts'
import { guardRoutes, policiesOf, type RouteEntry, type VerifyToken } from '#src/http/policy.ts'
import { problemOf, ProblemSchema, sendProblem } from '#src/http/problem.ts'
import { type RecordRead, recordStaffReads } from '#src/http/staff-reads.ts'
import { refuseUnknownParameters } from '#src/http/unknown-parameters.ts'
import { validatorCompiler } from '#src/http/validation.ts'

export interface ServerOptions {
  readonly log: Logger
  readonly version: string
  readonly verifyToken: VerifyToken
  readonly recordRead: RecordRead
  readonly readiness: Readiness
  readonly metrics: Metrics
  readonly metricsToken: string | undefined
  readonly routes: readonly Routes[]
  readonly translate?: Translate
  /** Requests that take longer are logged. @default 1_000 */
  readonly slowRequestMs?: number
}

export interface Server {
  readonly app: App
  /** Every route with its policy, HEAD twins included. */
  readonly routeTable: readonly RouteEntry[]
}

const BODY_LIMIT_BYTES = 64 * 1024
/** A whole request must have arrived by then, so that a slow sender cannot hold a connection for long. */
const REQUEST_TIMEOUT_MS = 15_000
/** Longer than a balancer's idle timeout: the balancer closes first, so no request meets a closing connection. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000
const REQUEST_ID = /^[\w.:-]{1,64}$/

/** Builds the server without listening; it rejects when a route has no policy. */
export async function buildServer(options: ServerOptions): Promise<Server> {
  const app: App = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    trustProxy: false,
    routerOptions: { maxParamLength: 200 },
    genReqId: (request) => {
      const given = request.headers['x-request-id']
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID()
    },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (_error, request, reply) => sendProblem(request, reply, httpErrors.malformedRequest()),
  }).withTypeProvider<TypeBoxTypeProvider>()

  const routes: RouteOptions[] = []
  app.addHook('onRoute', (route) => void routes.push(route))
  acceptJsonAlone(app)
  app.setValidatorCompiler(validatorCompiler)
  app.setErrorHandler(errorHandler(options.log, options.translate ?? (() => undefined)))
  app.setNotFoundHandler((request, reply) => sendProblem(request, reply, httpErrors.notFound()))
  app.addSchema(ProblemSchema)
  app.decorateRequest('actor', undefined)
  guardRoutes(app, options.verifyToken)
  recordStaffReads(app, options.recordRead)
  refuseUnknownParameters(app)
  observe(app, options)
  describePolicies(app)
  await describeRoutes(app, options.version)
  healthRoutes(app, options.readiness)
  metricsRoute(app, options.metrics, options.metricsToken)
  for (const register of options.routes) register(app)
  await app.ready()
  return { app, routeTable: policiesOf(routes) }
}

/** An empty body is no body, whatever its type says: many clients name JSON on a POST that carries nothing. */
function acceptJsonAlone(app: App): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined)
    else void parseJson(request, body as string, done)
  })
}

/** Measures every request and logs the slow ones; no line for the others, which would cost a third of the throughput. */
function observe(app: App, { metrics, log, slowRequestMs = 1_000 }: ServerOptions): void {
  app.addHook('onSend', (request, reply, _payload, done) => {
    void reply.header('x-request-id', request.id)
    done()
  })
  const observed = new WeakSet<object>()
  // Bound to each route, like its guard.
  app.addHook('onRoute', (route) => {
    const others = [route.onResponse ?? []].flat()
    if (others.some((hook) => observed.has(hook))) return
    // By method: the HEAD twin of a route comes here as well.
    const observers = new Map<string, ReturnType<Metrics['observerOf']>>()
    const hook: onResponseHookHandler = (request, reply, done) => {
      const { method, id } = request
      const elapsedMs = reply.elapsedTime
      const isStream = route.config?.isStream === true && reply.statusCode === 200
      const count = observers.get(method) ?? metrics.observerOf(route.url, method)
      observers.set(method, count)
      count(reply.statusCode, isStream ? undefined : elapsedMs / 1_000)
      if (elapsedMs > slowRequestMs && !isStream) {
        const durationMs = Math.round(elapsedMs)
        log.warn({ request_id: id, method, route: route.url, status: reply.statusCode, durationMs }, 'slow')
      }
      done()
    }
    observed.add(hook)
    route.onResponse = [hook, ...others]
  })
}

/** What cannot be parsed as HTTP never reaches a route: answered on the bare socket. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, title] = BROKEN_REQUESTS[error.code ?? ''] ?? [400, 'Bad Request']
  const problem = { ...problemOf(httpErrors.malformedRequest(), 'fr', randomUUID()), status, title }
  const body = JSON.stringify(problem)
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nConnection: close\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `Content-Language: fr\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

const BROKEN_REQUESTS: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
}
