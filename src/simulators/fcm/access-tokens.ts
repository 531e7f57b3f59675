import { randomBytes } from 'node:crypto'

const SWEEP_AT = 1000

/** The bearer tokens that were issued and still work. They live in memory: after a restart a client is told 401, as after any loss of a token. */
export class AccessTokens {
  readonly lifetimeS: number
  readonly #expiresAtMs = new Map<string, number>()

  constructor(lifetimeS: number) {
    this.lifetimeS = lifetimeS
  }

  issue(): string {
    if (this.#expiresAtMs.size >= SWEEP_AT) this.#sweep()
    const token = `ya29.simulator.${randomBytes(32).toString('base64url')}`
    this.#expiresAtMs.set(token, Date.now() + this.lifetimeS * 1000)
    return token
  }

  isValid(token: string): boolean {
    const expiresAtMs = this.#expiresAtMs.get(token)
    return expiresAtMs !== undefined && expiresAtMs > Date.now()
  }

  revokeAll(): number {
    const revoked = this.#expiresAtMs.size
    this.#expiresAtMs.clear()
    return revoked
  }

  #sweep(): void {
    const nowMs = Date.now()
    for (const [token, expiresAtMs] of this.#expiresAtMs) {
      if (expiresAtMs <= nowMs) this.#expiresAtMs.delete(token)
    }
  }
}
