import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { createServer } from 'node:tls'
import { makeCertificate } from '#src/simulators/certificate/certificate.ts'

export interface TlsFront extends AsyncDisposable {
  /** That of the proxy behind, its password included, but over TLS. */
  readonly url: URL
  /** The certificate, which is its own authority. */
  readonly certPem: string
}

/** Lets an http proxy be spoken to by https, with a certificate of its own. */
export async function tlsFrontOf(proxyUrl: URL): Promise<TlsFront> {
  // Of two authorities of one name, here the front's and that of who is behind the proxy, TLS tries one.
  const { certPem, keyPem } = makeCertificate({ hosts: ['tls-front.example', '127.0.0.1'] })
  const sockets = new Set<Socket>()
  const server = createServer({ cert: certPem, key: keyPem }, (client) => {
    const proxy = connect(Number(proxyUrl.port), proxyUrl.hostname)
    for (const [socket, other] of [
      [client, proxy],
      [proxy, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
      socket.pipe(other)
    }
  })
  // A client that does not trust the certificate leaves in mid-handshake.
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(proxyUrl.href.replace(/^http:/, 'https:'))
  url.port = String((server.address() as AddressInfo).port)
  return {
    url,
    certPem,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
