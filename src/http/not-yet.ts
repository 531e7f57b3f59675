import type { App } from '#src/http/app.ts'
import { httpErrors } from '#src/http/errors.ts'
import { LOGGED_IN, type Policy } from '#src/http/policy.ts'
import { ProblemAnswer } from '#src/http/problem.ts'

/** Routes that clients are promised and that are not built yet: they answer 501, to those who will be let in. */
export function notYetRoutes(app: App): void {
  promise(app, 'GET', '/api/events', LOGGED_IN, 'Server-sent events of the inbox')
}

function promise(app: App, method: 'GET' | 'POST', url: string, policy: Policy, summary: string): void {
  app.route({
    method,
    url,
    config: { policy },
    schema: { tags: ['not yet'], summary, response: { 501: ProblemAnswer } },
    handler: () => {
      throw httpErrors.notImplemented()
    },
  })
}
