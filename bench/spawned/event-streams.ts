/**
 * Holds event streams open, as phones with the app open do, over bare sockets: an HTTP client for each would take more
 * than the server. Each step is a question from the parent.
 */
import { connect, type Socket } from 'node:net'
import { answerParent } from '../support/child.ts'

export type StreamsOrder =
  | { readonly step: 'open'; readonly port: number; readonly tokens: readonly string[] }
  /** When every stream has so many notifications. */
  | { readonly step: 'arrivals'; readonly each: number }
  | { readonly step: 'close' }

export interface StreamsAnswer {
  /** Of `arrivals`: for each stream, when its latest came, in milliseconds since 1970. */
  readonly arrivedAt: readonly number[]
  /** Notifications that came in, over all streams. */
  readonly notifications: number
}

/** So many connections are on their way at a time: the server's queue of them is not endless. */
const CONNECTING_AT_A_TIME = 200

interface HeldStream {
  readonly socket: Socket
  notifications: number
  arrivedAt: number
}

const streams: HeldStream[] = []
let onArrival = (): void => {}

answerParent(async (order: StreamsOrder): Promise<StreamsAnswer> => {
  if (order.step === 'open') await openAll(order.port, order.tokens)
  if (order.step === 'arrivals') await arrivals(order.each)
  if (order.step === 'close') for (const { socket } of streams) socket.destroy()
  return {
    arrivedAt: streams.map(({ arrivedAt }) => arrivedAt),
    notifications: streams.reduce((sum, stream) => sum + stream.notifications, 0),
  }
})

async function openAll(port: number, tokens: readonly string[]): Promise<void> {
  const waiting = [...tokens]
  const openNext = async (): Promise<void> => {
    for (let token = waiting.pop(); token !== undefined; token = waiting.pop()) streams.push(await open(port, token))
  }
  await Promise.all(Array.from({ length: CONNECTING_AT_A_TIME }, openNext))
}

/** Resolves with its first event: from then on whatever is sent is told. */
function open(port: number, token: string): Promise<HeldStream> {
  const { promise, resolve, reject } = Promise.withResolvers<HeldStream>()
  const socket = connect(port, '127.0.0.1')
  const stream: HeldStream = { socket, notifications: 0, arrivedAt: 0 }
  socket.setEncoding('utf8')
  socket.write(
    `GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nAccept: text/event-stream\r\n\r\n`,
  )
  socket.on('data', (text: string) => {
    if (text.includes('event: open\n')) resolve(stream)
    const count = text.split('event: notification\n').length - 1
    if (count === 0) return
    stream.notifications += count
    stream.arrivedAt = Date.now()
    onArrival()
  })
  socket.on('error', reject)
  socket.on('close', () => reject(new Error('the stream ended')))
  return promise
}

async function arrivals(each: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let left = streams.filter(({ notifications }) => notifications < each).length
  onArrival = () => {
    // Each arrival is the next of one stream, as the parent sends one message at a time.
    left -= 1
    if (left === 0) resolve()
  }
  if (left === 0) resolve()
  await promise
}
