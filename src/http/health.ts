import { Type } from 'typebox'
import type { App } from '#src/http/app.ts'
import { httpErrors } from '#src/http/errors.ts'
import { PUBLIC } from '#src/http/policy.ts'
import { ProblemAnswer } from '#src/http/problem.ts'

export type DependencyState = 'ok' | 'unavailable' | 'not_configured'

/** What the process knows of itself and of what it needs. */
export interface Readiness {
  readonly phase: () => 'starting' | 'ready' | 'draining'
  /** Each dependency's state by name; the answer to /ready is 503 unless all of `required` are ok. */
  readonly dependencies: () => Promise<Readonly<Record<string, DependencyState>>>
  readonly required: readonly string[]
}

const Health = Type.Object({ status: Type.Literal('ok') }, { examples: [{ status: 'ok' }] })
const Ready = Type.Object(
  {
    status: Type.Union([Type.Literal('ready'), Type.Literal('not_ready')]),
    phase: Type.String(),
    dependencies: Type.Record(Type.String(), Type.String()),
  },
  { examples: [{ status: 'ready', phase: 'ready', dependencies: { database: 'ok', sic: 'unavailable' } }] },
)

/** `/health` asks nothing, so that a slow database does not take every instance out of the balancer; `/ready` asks all. */
export function healthRoutes(app: App, readiness: Readiness): void {
  app.get(
    '/health',
    {
      config: { policy: PUBLIC },
      schema: {
        tags: ['operations'],
        summary: 'Alive: monitored by the load balancer',
        response: { 200: Health, 503: ProblemAnswer },
      },
    },
    (_request, reply) => {
      if (readiness.phase() === 'draining') throw httpErrors.draining()
      reply.send({ status: 'ok' })
    },
  )
  app.get(
    '/ready',
    {
      config: { policy: PUBLIC },
      schema: {
        tags: ['operations'],
        summary: 'Ready to serve, and the state of each dependency',
        response: { 200: Ready, 503: Ready },
      },
    },
    async (_request, reply) => {
      const phase = readiness.phase()
      const dependencies = await readiness.dependencies()
      const ready = phase === 'ready' && readiness.required.every((name) => dependencies[name] === 'ok')
      return reply
        .code(ready ? 200 : 503)
        .header('cache-control', 'no-store')
        .send({ status: ready ? 'ready' : 'not_ready', phase, dependencies })
    },
  )
}
