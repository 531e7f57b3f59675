import { timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client'
import type { App } from '#src/http/app.ts'
import { httpErrors } from '#src/http/errors.ts'

export interface Metrics {
  readonly registry: Registry
  /** What counts the answers of a route; one without `seconds` is counted alone. */
  observerOf(route: string, method: string): (status: number, seconds: number | undefined) => void
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'time from the request to the end of its answer, by route',
    labelNames: ['route', 'method'],
    // The bounds are the figures of the latency table that the API is held to.
    buckets: [0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.5, 0.8, 2, 10],
    registers: [registry],
  })
  const answers = new Counter({
    name: 'http_responses_total',
    help: 'answers by route and status',
    labelNames: ['route', 'method', 'status'],
    registers: [registry],
  })
  return {
    registry,
    observerOf(route, method) {
      // Labels are put together once: for every answer anew they cost as much as what they count.
      const duration = durations.labels(route, method)
      const byStatus = new Map<number, ReturnType<typeof answers.labels>>()
      return (status, seconds) => {
        if (seconds !== undefined) duration.observe(seconds)
        const known = byStatus.get(status) ?? answers.labels(route, method, String(status))
        byStatus.set(status, known)
        known.inc()
      }
    },
  }
}

/** `GET /metrics` for operators: from loopback, or with the token; to anyone else it does not exist. */
export function metricsRoute(app: App, metrics: Metrics, token: string | undefined): void {
  app.get('/metrics', { config: { policy: { kind: 'operators' } }, schema: { hide: true } }, async (request, reply) => {
    if (!isOperator(request, token)) throw httpErrors.notFound()
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics())
  })
}

function isOperator(request: FastifyRequest, token: string | undefined): boolean {
  const given = request.headers.authorization
  if (token !== undefined) return given !== undefined && sameText(given, `Bearer ${token}`)
  // A balancer on this machine would forward the whole Internet from loopback.
  const forwarded = request.headers['x-forwarded-for'] ?? request.headers.forwarded
  return forwarded === undefined && isLoopback(request.socket.remoteAddress)
}

function isLoopback(address = ''): boolean {
  return address === '::1' || address.replace('::ffff:', '').startsWith('127.')
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
