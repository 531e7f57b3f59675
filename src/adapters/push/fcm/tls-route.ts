import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'

export interface RouteOptions {
  /** The only authorities trusted; absent: the system's. */
  readonly caPem?: string | undefined
  /** An http or https proxy that tunnels by CONNECT; may carry `user:password@`. */
  readonly proxyUrl?: URL | undefined
  readonly connectTimeoutMs: number
}

const PROXY_HEAD_LIMIT_BYTES = 16_384

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
    options.proxyUrl === undefined ? undefined : await openTunnel(host, port, options.proxyUrl, options.caPem, deadline)
  const target: ConnectionOptions = tunnel === undefined ? { host, port } : { socket: tunnel }
  const socket = connectTls({ ...target, ...identity(host, options.caPem), ALPNProtocols: [protocol] })
  try {
    await happens(socket, 'secureConnect', deadline)
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

function identity(host: string, caPem: string | undefined): ConnectionOptions {
  // SNI carries names alone; an address is still checked against the certificate.
  const servername = isIP(host) === 0 ? { servername: host } : {}
  return { ...servername, ...(caPem === undefined ? {} : { ca: caPem }) }
}

async function openTunnel(
  host: string,
  port: number,
  proxy: URL,
  caPem: string | undefined,
  deadline: AbortSignal,
): Promise<Socket> {
  const proxyHost = plainHost(proxy)
  const isTls = proxy.protocol === 'https:'
  const proxyPort = Number(proxy.port === '' ? (isTls ? 443 : 80) : proxy.port)
  const socket = isTls
    ? connectTls({ host: proxyHost, port: proxyPort, ...identity(proxyHost, caPem) })
    : connectTcp({ host: proxyHost, port: proxyPort, noDelay: true })
  await happens(socket, isTls ? 'secureConnect' : 'connect', deadline)
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization(proxy)}\r\n`)
  const status = await readProxyStatus(socket, deadline)
  if (status >= 200 && status < 300) {
    // What happens to the tunnel from here on is told by the TLS inside it.
    socket.on('error', () => undefined)
    return socket
  }
  socket.destroy()
  throw new Error(`the proxy ${proxy.host} refused the tunnel with ${status}`)
}

/** A URL's host as sockets take it: IPv6 without its brackets. */
export const plainHost = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, '$1')

function authorization(proxy: URL): string {
  if (proxy.username === '') return ''
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  return `Proxy-Authorization: Basic ${Buffer.from(credentials).toString('base64')}\r\n`
}

/** Reads the head of the proxy's answer and leaves what follows it in the socket. */
function readProxyStatus(socket: Socket, deadline: AbortSignal): Promise<number> {
  let head = Buffer.alloc(0)
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const read = (): void => {
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
      head = Buffer.concat([head, chunk])
      const end = head.indexOf('\r\n\r\n')
      if (end >= 0) {
        const rest = head.subarray(end + 4)
        if (rest.length > 0) socket.unshift(rest)
        const status = /^HTTP\/1\.[01] (\d{3})/.exec(head.toString('latin1'))?.[1]
        if (status === undefined) fail(new Error('the proxy did not answer in HTTP'))
        else done(Number(status))
        return
      }
      if (head.length > PROXY_HEAD_LIMIT_BYTES) return fail(new Error('the proxy answered with an endless head'))
    }
  }
  const detach = (): void => {
    socket.off('readable', read)
    socket.off('error', fail)
    socket.off('close', closed)
    deadline.removeEventListener('abort', late)
  }
  const done = (status: number): void => {
    detach()
    resolve(status)
  }
  const fail = (error: Error): void => {
    detach()
    socket.on('error', () => undefined)
    socket.destroy()
    reject(error)
  }
  const closed = (): void => fail(new Error('the proxy closed the connection'))
  const late = (): void => fail(new Error('the proxy did not answer in time'))
  socket.on('readable', read)
  socket.on('error', fail)
  socket.on('close', closed)
  deadline.addEventListener('abort', late)
  return promise
}

/** Waits for the event; on an error, a close or the deadline the socket is destroyed. */
function happens(socket: Socket, event: 'connect' | 'secureConnect', deadline: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const fail = (error: Error): void => {
    detach()
    socket.on('error', () => undefined)
    socket.destroy()
    reject(error)
  }
  const closed = (): void => fail(new Error('the connection was closed before it was ready'))
  const late = (): void => fail(new Error('the connection was not ready in time'))
  const done = (): void => {
    detach()
    resolve()
  }
  const detach = (): void => {
    socket.off(event, done)
    socket.off('error', fail)
    socket.off('close', closed)
    deadline.removeEventListener('abort', late)
  }
  socket.on(event, done)
  socket.on('error', fail)
  socket.on('close', closed)
  deadline.addEventListener('abort', late)
  return promise
}
