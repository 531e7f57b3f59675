import { Type } from 'typebox'
import type { App } from '#src/http/app.ts'

const NoParameters = Type.Object({}, { additionalProperties: false })

/**
 * Has each GET of the API that declares no query refuse every parameter: one that is ignored looks answered. Not a
 * stream: what stands in for a browser's EventSource may add a parameter of its own when it reconnects.
 */
export function refuseUnknownParameters(app: App): void {
  app.addHook('onRoute', (route) => {
    const isRead = [route.method].flat().some((name) => name === 'GET' || name === 'HEAD')
    if (!isRead || !route.url.startsWith('/api/') || route.config?.isStream === true) return
    if (route.schema?.querystring === undefined) route.schema = { ...route.schema, querystring: NoParameters }
  })
}
