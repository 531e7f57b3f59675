import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { App } from '#src/http/app.ts'
import { PUBLIC } from '#src/http/policy.ts'

/** Describes every route from the schemas that validate it: /openapi.json, and a page to try it at /docs. */
export async function describeRoutes(app: App, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'SamaConso API',
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
    await scope.register(swaggerUi, { routePrefix: '/docs', staticCSP: true, uiConfig: { deepLinking: true } })
  })
  app.get('/openapi.json', { config: { policy: PUBLIC }, schema: { hide: true } }, () => app.swagger())
}

/** Marks every route that is not public as needing a bearer token, so that the description cannot disagree with the policy. */
export function markSecured(app: App): void {
  app.addHook('onRoute', (route) => {
    const { policy } = route.config ?? {}
    if (policy === undefined || policy.kind === 'public' || route.schema === undefined) return
    route.schema = { ...route.schema, security: [{ bearer: [] }] }
  })
}
