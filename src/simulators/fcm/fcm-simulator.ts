import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import type { Closeable } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import { AccessTokens } from './access-tokens.ts'
import { controlServer } from './control-server.ts'
import { answerExchange, type FcmWorld } from './fcm-api.ts'
import { http1Exchanges } from './http1-exchanges.ts'
import { http2Exchanges } from './http2-exchanges.ts'
import { serverCertificate, serviceAccount } from './identity.ts'
import { PushCounts } from './push-counts.ts'
import { Received } from './received.ts'
import { Rules, seededRandom } from './rules.ts'

export interface FcmSimulatorOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** On 127.0.0.1; 0 or absent: any free one. */
  readonly controlPort?: number
  /** What shares of rules are drawn with. */
  readonly seed?: number
  /** How long a bearer token works; Google's is 3600 s. */
  readonly tokenLifetimeS?: number
  /** Keep no messages but those to targets that start so, and count how often each push was accepted: for millions. */
  readonly countsOnlyBut?: string
  readonly log: Logger
  /** Where the service account and the CA file are written, and found again at the next start. */
  readonly dir: string
}

export interface FcmSimulator extends Closeable {
  readonly port: number
  readonly baseUrl: string
  readonly credentialsFile: string
  readonly caFile: string
  readonly control: { readonly port: number; readonly url: string; readonly rules: Rules; readonly received: Received }
}

const CONTROL_HOST = '127.0.0.1'
const DEFAULT_SEED = 1
const TOKEN_LIFETIME_S = 3600

/** Starts Firebase Cloud Messaging in small: its OAuth endpoint and `messages:send` on one TLS port, HTTP/2 and HTTP/1.1. */
export async function startFcmSimulator(options: FcmSimulatorOptions): Promise<FcmSimulator> {
  const { host, log, dir } = options
  const certificate = serverCertificate(dir, host)
  const rules = new Rules(seededRandom(options.seed ?? DEFAULT_SEED))
  const { countsOnlyBut: kept } = options
  const received =
    kept === undefined ? new Received() : new Received((target) => kept !== '' && target.startsWith(kept))
  const pushes = kept === undefined ? undefined : new PushCounts()
  const tokens = new AccessTokens(options.tokenLifetimeS ?? TOKEN_LIFETIME_S)
  const timers = new Set<NodeJS.Timeout>()
  const front = new TlsFront(certificate, (exchange) => answerExchange(world, exchange))

  const port = await front.listen(host, options.port)
  const baseUrl = `https://${reachable(host)}:${port}`
  const account = serviceAccount(dir, baseUrl)
  let messages = 0
  const world: FcmWorld = {
    account: () => account,
    tokens,
    rules,
    received,
    pushes,
    nextMessageId: () => {
      messages += 1
      return `0:${Date.now()}${String(messages).padStart(6, '0')}%simulator`
    },
    after: (delayMs, act) => {
      const timer = setTimeout(() => {
        timers.delete(timer)
        act()
      }, delayMs)
      timers.add(timer)
    },
  }

  const die = async (forMs: number | undefined): Promise<void> => {
    await front.stop()
    log.warn({ for_ms: forMs }, 'the FCM simulator was told to die')
    if (forMs === undefined) return
    world.after(forMs, () => {
      front.listen(host, port).catch((error: unknown) => log.error({ err: error }, 'could not come back'))
    })
  }
  const control = controlServer({
    rules,
    received,
    pushes,
    revokeTokens: () => tokens.revokeAll(),
    goawayAll: () => front.goawayAll(),
    die,
  })
  let controlPort: number
  try {
    controlPort = await listen(control, CONTROL_HOST, options.controlPort ?? 0)
  } catch (error) {
    await front.stop()
    throw error
  }
  const close = async (): Promise<void> => {
    for (const timer of timers) clearTimeout(timer)
    timers.clear()
    control.closeAllConnections()
    await Promise.all([front.stop(), stopped(control)])
  }
  return {
    port,
    baseUrl,
    credentialsFile: account.credentialsFile,
    caFile: certificate.caFile,
    control: { port: controlPort, url: `http://${CONTROL_HOST}:${controlPort}`, rules, received },
    close,
  }
}

/** How a client on this machine names the host that the simulator listens on. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

/** The TLS port: each connection goes to the protocol that it agreed on. */
class TlsFront {
  readonly #tls: TlsServer
  readonly #sockets = new Set<Socket>()
  readonly #http2: ReturnType<typeof http2Exchanges>

  constructor(certificate: { certPem: string; keyPem: string }, handle: Parameters<typeof http2Exchanges>[0]) {
    this.#http2 = http2Exchanges(handle)
    const http1 = http1Exchanges(handle)
    const { certPem: cert, keyPem: key } = certificate
    this.#tls = createTlsServer({ cert, key, ALPNProtocols: ['h2', 'http/1.1'], noDelay: true })
    this.#tls.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    this.#tls.on('tlsClientError', () => undefined)
    this.#tls.on('secureConnection', (socket) => {
      socket.on('error', () => undefined)
      const server = socket.alpnProtocol === 'h2' ? this.#http2.server : http1
      server.emit('connection', socket)
    })
  }

  listen(host: string, port: number): Promise<number> {
    return listen(this.#tls, host, port)
  }

  goawayAll(): number {
    return this.#http2.goawayAll()
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await stopped(this.#tls)
  }
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  server.listen(port, host)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function stopped(server: Server): Promise<void> {
  // Closing one that does not listen is an error to Node, and nothing to us.
  return new Promise((resolve) => server.close(() => resolve()))
}
