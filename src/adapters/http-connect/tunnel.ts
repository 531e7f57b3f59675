import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { socketEvent } from './socket-event.ts'
import { tlsIdentity } from './tls-identity.ts'

const PROXY_HEAD_LIMIT_BYTES = 16_384

export interface TunnelOptions {
  /** What the tunnel leads to. */
  readonly host: string
  readonly port: number
  /** An http or https proxy that tunnels by CONNECT; may carry `user:password@`. */
  readonly proxyUrl: URL
  /** The only authorities trusted for an https proxy; absent: the system's. */
  readonly caPem?: string | undefined
  /** Gives up, with the sockets opened so far, when it aborts before the tunnel is there. */
  readonly signal: AbortSignal
}

/** A socket that the proxy has connected to `host:port`. Errors name hosts and codes, never a password. */
export async function openTunnel({ host, port, proxyUrl, caPem, signal }: TunnelOptions): Promise<Socket> {
  const proxyHost = plainHost(proxyUrl)
  const isTls = proxyUrl.protocol === 'https:'
  const proxyPort = Number(proxyUrl.port === '' ? (isTls ? 443 : 80) : proxyUrl.port)
  const socket = isTls
    ? connectTls({ host: proxyHost, port: proxyPort, ...tlsIdentity(proxyHost, caPem) })
    : connectTcp({ host: proxyHost, port: proxyPort, noDelay: true })
  await socketEvent(socket, isTls ? 'secureConnect' : 'connect', signal)
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization(proxyUrl)}\r\n`)
  const status = await readProxyStatus(socket, signal)
  if (status >= 200 && status < 300) {
    // What happens to the tunnel from here on is told by whoever speaks through it.
    socket.on('error', () => undefined)
    return socket
  }
  socket.destroy()
  throw new Error(`the proxy ${proxyUrl.host} refused the tunnel with ${status}`)
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
  if (deadline.aborted) late()
  return promise
}
