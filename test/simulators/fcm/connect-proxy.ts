import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

export interface ConnectProxy {
  readonly url: string
  /** Every request head that arrived. */
  readonly heads: readonly string[]
  /** Keeps connections open and forwards nothing on those there are, as a firewall that forgot them. */
  fallSilent(): void
  speakAgain(): void
}

/** A proxy that knows CONNECT alone. With `password` it demands `user:password`. */
export async function connectProxy(t: TestContext, options: { password?: string } = {}): Promise<ConnectProxy> {
  const heads: string[] = []
  const sockets = new Set<Socket>()
  const tunnels = new Set<() => void>()
  let isSilent = false
  const server = createServer((client) => {
    sockets.add(client)
    client.on('error', () => undefined)
    client.once('data', (chunk: Buffer) => {
      const head = chunk.toString('latin1')
      heads.push(head)
      const target = /^CONNECT ([^ :]+):(\d+) HTTP\/1\.1\r\n/.exec(head)
      if (target === null) return client.end('HTTP/1.1 400 Bad Request\r\n\r\n')
      const expected = Buffer.from(`user:${options.password ?? ''}`).toString('base64')
      if (options.password !== undefined && !head.includes(`Proxy-Authorization: Basic ${expected}\r\n`)) {
        return client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
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
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    url: `http://${options.password === undefined ? '' : `user:${encodeURIComponent(options.password)}@`}127.0.0.1:${(server.address() as AddressInfo).port}`,
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
