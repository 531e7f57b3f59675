import type { Closeable } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import type { Timers } from '#src/core/timers.ts'
import type { Db } from '#src/database/database.ts'
import type { Routes } from '#src/http/app.ts'
import type { ObjectPolicy } from '#src/http/policy.ts'
import { logins } from './login.ts'
import { type Revocations, revocations } from './revocations.ts'
import { accountRoutes } from './routes.ts'
import { type Sessions, sessions } from './sessions.ts'
import { accessTokens, type Tokens } from './tokens.ts'
import { accountUpkeep } from './upkeep.ts'

export interface AccountsOptions {
  readonly db: Db
  readonly log: Logger
  readonly timers: Timers
  readonly jwtSecret: string
  /** Who reaches a user's profile: the user, an agent in scope, an admin. */
  readonly profilePolicy: ObjectPolicy
  readonly selfPolicy: ObjectPolicy
}

export interface Accounts {
  readonly revocations: Revocations
  readonly sessions: Sessions
  readonly tokens: Tokens
  readonly routes: Routes
  readonly startUpkeep: () => Closeable
}

/** The module put together: who logs in, with which tokens, and which of them no longer count. */
export function accounts(options: AccountsOptions): Accounts {
  const { db, log, timers, jwtSecret, profilePolicy, selfPolicy } = options
  const clock = timers.now
  const ended = revocations(db, log, clock)
  const live = sessions(db, ended, clock)
  const tokens = accessTokens(jwtSecret, ended, clock)
  const parts = { db, logins: logins(db, live, clock), sessions: live, tokens, profilePolicy, selfPolicy }
  return {
    revocations: ended,
    sessions: live,
    tokens,
    routes: accountRoutes(parts),
    startUpkeep: () => accountUpkeep({ db, sessions: live, timers, log }),
  }
}
