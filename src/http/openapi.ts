import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { App } from '#src/http/app.ts'
import { type Policy, PUBLIC } from '#src/http/policy.ts'
import { ProblemAnswer } from '#src/http/problem.ts'
import { writesDownReads } from '#src/http/staff-reads.ts'

const TITLE = 'SamaConso API'

/** Describes every route from the schemas that validate it: /openapi.json, and a page to try it at /docs. */
export async function describeRoutes(app: App, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: TITLE,
        version,
        description:
          'Consumption, notifications and accounts of Senelec customers. Errors are RFC 9457 problems with a stable `code`; `detail` is French, or English with `Accept-Language: en`. Times are ISO 8601 UTC, days those of Africa/Dakar, energy kWh, money whole XOF.',
      },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
    },
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) =>
        typeof schema['$id'] === 'string' ? schema['$id'] : `schema-${index}`,
    },
  })
  // The page's own routes carry no policy; inside this scope every one is public.
  await app.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, policy: PUBLIC }
    })
    await scope.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: true,
      theme: { title: TITLE },
      // Without the bar of the page's makers, which offers to look at other descriptions.
      uiConfig: { deepLinking: true, layout: 'BaseLayout' },
    })
  })
  app.get('/openapi.json', { config: { policy: PUBLIC }, schema: { hide: true } }, () => app.swagger())
}

const STAFF_READS_NOTE = 'A look by staff is written into the audit log, or refused with 503.'

/**
 * Adds to a route's description what its policy and its limits make it answer, so that the two cannot disagree: who
 * must log in, who is refused, whose object is told as absent, and that a look by staff is written down.
 */
export function describePolicies(app: App): void {
  app.addHook('onRoute', (route) => {
    const { policy } = route.config ?? {}
    if (policy === undefined || route.schema === undefined) return
    const { schema } = route
    const isWrittenDown = writesDownReads(route)
    const statuses = [
      ...policyStatuses(policy),
      ...(isWrittenDown ? [503] : []),
      ...((schema.body ?? schema.querystring) ? [400] : []),
      ...(schema.body ? [413, 415] : []),
    ]
    const problems = Object.fromEntries(statuses.map((status) => [status, ProblemAnswer]))
    const security = policy.kind === 'public' ? {} : { security: [{ bearer: [] }] }
    const description = [schema.description, isWrittenDown ? STAFF_READS_NOTE : undefined].filter(Boolean).join(' ')
    const response = { ...problems, ...(schema.response as object | undefined) }
    route.schema = { ...schema, ...security, ...(description !== '' && { description }), response }
  })
}

function policyStatuses(policy: Policy): number[] {
  switch (policy.kind) {
    case 'public':
      return []
    case 'operators':
      return [404]
    case 'logged_in':
      return [401]
    case 'roles':
      return [401, 403]
    case 'object':
      return [401, 404]
  }
}
