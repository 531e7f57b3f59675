import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'

export interface ConnectProxy {
  readonly url: string
  /** Every request head that arrived. */
  readonly heads: readonly string[]
  /** Keeps connections open and forwards nothing on those there are, as a firewall that forgot them. */
  fallSilent(): void
  speakAgain(): void
}

export interface ConnectProxyOptions {
  /** Demanded as `user:password`. */
  readonly password?: string
  /** Makes it a proxy that is itself reached over TLS. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

/** A proxy that knows CONNECT alone. */
export async function connectProxy(t: TestContext, options: ConnectProxyOptions = {}): Promise<ConnectProxy> {
  const heads: string[] = []
  const sockets = new Set<Socket>()
  const tunnels = new Set<() => void>()
  let isSilent = false
  const serve = (client: Socket): void => {
    sockets.add(client)
    client.on('error', () => undefined)
    client.once('data', (chunk: Buffer) => {
      const head = chunk.toString('latin1')
      heads.push(head)
      const target = /^CONNECT ([^ :]+):(\d+) HTTP\/1\.1\r\n/.exec(head)
      if (target === null) {
        client.end('HTTP/1.1 400 Bad Request\r\n\r\n')
        return
      }
      const expected = Buffer.from(`user:${options.password ?? ''}`).toString('base64')
      if (options.password !== undefined && !head.includes(`Proxy-Authorization: Basic ${expected}\r\n`)) {
        client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
        return
      }
      const upstream = connect(Number(target[2]), target[1])
      sockets.add(upstream)
      upstream.on('error', () => client.destroy())
      upstream.on('close', () => client.destroy())
      client.on('close', () => upstream.destroy())
      upstream.once('connect', () => {
        client.write('HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n')
        client.pipe(upstream).pipe(client)
        if (isSilent) return
        tunnels.add(() => {
          client.unpipe()
          client.resume()
        })
      })
    })
  }
  const server = options.tls === undefined ? createServer(serve) : createTlsServer(options.tls, serve)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const scheme = options.tls === undefined ? 'http' : 'https'
  const login = options.password === undefined ? '' : `user:${encodeURIComponent(options.password)}@`
  return {
    url: `${scheme}://${login}127.0.0.1:${(server.address() as AddressInfo).port}`,
    heads,
    fallSilent: () => {
      isSilent = true
      for (const silence of tunnels) silence()
    },
    speakAgain: () => {
      isSilent = false
    },
  }
}
