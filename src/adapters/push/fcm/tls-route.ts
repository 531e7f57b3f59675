import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { socketEvent } from '../../http-connect/socket-event.ts'
import { openTunnel } from '../../http-connect/tunnel.ts'
import { tlsIdentity } from '../../http-connect/tls-identity.ts'

export interface RouteOptions {
  /** The only authorities trusted; absent: the system's. */
  readonly caPem?: string | undefined
  /** An http or https proxy that tunnels by CONNECT; may carry `user:password@`. */
  readonly proxyUrl?: URL | undefined
  readonly connectTimeoutMs: number
}

/**
 * Opens TLS to `host:port`, through the proxy when there is one, and agrees on `protocol` by ALPN.
 * Errors name hosts and codes, never a password.
 */
export async function openTls(
  host: string,
  port: number,
  protocol: 'h2' | 'http/1.1',
  options: RouteOptions,
): Promise<TLSSocket> {
  const deadline = AbortSignal.timeout(options.connectTimeoutMs)
  const tunnel =
    options.proxyUrl === undefined
      ? undefined
      : await openTunnel({ host, port, proxyUrl: options.proxyUrl, caPem: options.caPem, signal: deadline })
  const target: ConnectionOptions = tunnel === undefined ? { host, port } : { socket: tunnel }
  const socket = connectTls({ ...target, ...tlsIdentity(host, options.caPem), ALPNProtocols: [protocol] })
  try {
    await socketEvent(socket, 'secureConnect', deadline)
  } catch (error) {
    tunnel?.destroy()
    throw error
  }
  // Whoever takes the socket hears of its end by `close`; until then an error must not go unheard.
  socket.on('error', () => undefined)
  socket.setNoDelay(true)
  if (protocol === 'http/1.1' || socket.alpnProtocol === protocol) return socket
  socket.destroy()
  throw new Error(`${host}:${port} does not speak HTTP/2`)
}
