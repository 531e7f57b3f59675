/**
 * What went wrong, in the words of whoever can do something about it. Each edge (HTTP, Celery)
 * has one table from kind to its own answer; nothing else looks at an error's class.
 */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'too_large'
  | 'unprocessable'
  | 'rate_limited'
  | 'unavailable'
  | 'internal'

/** The same sentence in the two languages the API answers in. French is the default. */
export interface Bilingual {
  readonly fr: string
  readonly en: string
}

export interface AppErrorOptions {
  /** Facts for the client that help to mend the request; never a secret, never another person's data. */
  readonly details?: Readonly<Record<string, unknown>>
  /** When a retry makes sense, in whole seconds from now. */
  readonly retryAfterSeconds?: number
  readonly cause?: unknown
}

/** An expected failure with a stable code, such as `accounts/invalid-credentials`. Anything else that is thrown is a bug. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: string
  readonly kind: ErrorKind
  readonly text: Bilingual
  readonly details: Readonly<Record<string, unknown>> | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(code: string, kind: ErrorKind, text: Bilingual, options: AppErrorOptions = {}) {
    super(`${code}: ${text.en}`, { cause: options.cause })
    this.code = code
    this.kind = kind
    this.text = text
    this.details = options.details
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

type ErrorTable = Readonly<Record<string, readonly [kind: ErrorKind, fr: string, en: string]>>
type ErrorFactories<T extends ErrorTable> = { readonly [K in keyof T]: (options?: AppErrorOptions) => AppError }

/** Every code ever defined, so that the documentation can be held equal to the source. */
export const definedErrors = new Map<string, { readonly kind: ErrorKind; readonly text: Bilingual }>()

/**
 * Declares a module's errors: `defineErrors('meters', { notFound: ['not_found', '…', '…'] })` gives
 * `notFound()` with the code `meters/not-found`.
 */
export function defineErrors<const T extends ErrorTable>(module: string, table: T): ErrorFactories<T> {
  const factories = Object.entries(table).map(([name, [kind, fr, en]]) => {
    const code = `${module}/${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    definedErrors.set(code, { kind, text: { fr, en } })
    return [name, (options?: AppErrorOptions) => new AppError(code, kind, { fr, en }, options)]
  })
  return Object.fromEntries(factories) as ErrorFactories<T>
}
