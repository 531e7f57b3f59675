import type { SqlServerAddress } from './url.ts'

export interface SqlServerOptions extends SqlServerAddress {
  readonly password: string
  /** PEM of the only authorities trusted for the server and for an https proxy; without it, the system's. */
  readonly certificateAuthority?: string
  /** An http or https proxy that tunnels by CONNECT; may carry `user:password@`. Without it, straight to the server. */
  readonly proxyUrl?: URL
  /** For one TCP connection with its tunnel, handshakes and login. */
  readonly connectTimeoutMs: number
  /** From the statement to the last row of its answer. An ask costs at most this and `connectTimeoutMs`. */
  readonly queryTimeoutMs: number
  readonly poolMax: number
}
