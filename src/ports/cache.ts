/**
 * A place for values that can be lost at any time: callers must be able to go without it.
 * When the store is unreachable `get` returns undefined and `set` and `delete` return; none throws.
 */
export interface Cache extends AsyncDisposable {
  /** At once, without a promise, what is known inside the process: most that is asked for often. */
  get(key: string): string | undefined | Promise<string | undefined>
  /** @param ttlMs lifetime in milliseconds, at least 1 */
  set(key: string, value: string, ttlMs: number): Promise<void>
  /** As `set`, but only where no live value is there. True when this call wrote it; false too when the store is unreachable. */
  setIfAbsent(key: string, value: string, ttlMs: number): Promise<boolean>
  delete(...keys: readonly string[]): Promise<void>
}
