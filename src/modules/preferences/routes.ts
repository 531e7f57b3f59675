import type { Clock } from '#src/core/clock.ts'
import type { Db } from '#src/database/database.ts'
import type { App, Routes } from '#src/http/app.ts'
import { inLanguage, languageOf } from '#src/http/in-language.ts'
import { actorOf, type ObjectPolicy } from '#src/http/policy.ts'
import { ProblemAnswer } from '#src/http/problem.ts'
import { preferenceOf, storePreference } from './preferences.ts'
import * as schemas from './schemas.ts'
import { toAnswer } from './view.ts'

export interface PreferenceParts {
  readonly db: Db
  readonly clock: Clock
  /** The user named by the path parameter `id`, alone. */
  readonly selfPolicy: ObjectPolicy
}

const tags = ['notifications']
const URL = '/api/users/:id/notification-preferences'

export function preferenceRoutes({ db, clock, selfPolicy }: PreferenceParts): Routes {
  return (app: App) => {
    app.get(
      URL,
      {
        config: { policy: selfPolicy },
        schema: {
          tags,
          summary: 'What the user wants to be pushed, and every type that there is',
          params: schemas.PreferenceParams,
          response: { 200: schemas.PreferenceAnswer },
        },
      },
      async (request, reply) => {
        const preference = await preferenceOf(db, actorOf(request).accountId)
        return inLanguage(request, reply).send(toAnswer(preference, languageOf(request)))
      },
    )
    app.put(
      URL,
      {
        config: { policy: selfPolicy },
        schema: {
          tags,
          summary: 'Choose what is pushed, and when; replaces what was chosen before',
          params: schemas.PreferenceParams,
          body: schemas.PreferenceBody,
          response: { 200: schemas.PreferenceAnswer, 422: ProblemAnswer },
        },
      },
      async (request, reply) => {
        const { muted_types: mutedTypes, quiet_hours: quietHours } = request.body
        const choice = { accountId: actorOf(request).accountId, mutedTypes, quietHours, now: new Date(clock()) }
        const preference = await storePreference(db, choice)
        return inLanguage(request, reply).send(toAnswer(preference, languageOf(request)))
      },
    )
  }
}
