import { type AppError, defineErrors } from '#src/core/errors.ts'

const databaseErrors = defineErrors('database', {
  unavailable: [
    'unavailable',
    'La base de données ne répond pas en ce moment\u{a0}: réessayez dans quelques secondes.',
    'The database does not answer at the moment: try again in a few seconds.',
  ],
  full: [
    'unavailable',
    'La base de données ne peut rien enregistrer en ce moment\u{a0}: réessayez plus tard.',
    'The database cannot store anything at the moment: try again later.',
  ],
})

/** SQLSTATE classes of a server that cannot work now, whatever it was asked: lost connections, resources, shutdown. */
const UNAVAILABLE_STATES = /^(08...|53...|57P0[1-5]|58...)$/
const FULL_STATES = new Set(['53100', '53200'])
const NETWORK_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENOTFOUND'])
/** The client library gives these no code. */
const LOST =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered)/

/** What the database's own trouble is to a client; undefined for an error that is not the database's, or is our mistake. */
export function databaseProblem(error: unknown): AppError | undefined {
  if (!(error instanceof Error)) return undefined
  const { code } = error as Error & { code?: unknown }
  const options = { cause: error, retryAfterSeconds: 5 }
  if (typeof code === 'string') {
    if (FULL_STATES.has(code)) return databaseErrors.full(options)
    if (UNAVAILABLE_STATES.test(code) || NETWORK_CODES.has(code)) return databaseErrors.unavailable(options)
  }
  return LOST.test(error.message) ? databaseErrors.unavailable(options) : undefined
}
