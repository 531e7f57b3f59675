/**
 * Hands on what it is sent after a while, as a long way would, with as much bandwidth as there is: each way has its own
 * queue, in which every piece waits from its arrival, whatever waits before it.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { answerParent } from '../support/child.ts'

export interface RelayOrder {
  readonly port: number
  /** One way. */
  readonly delayMs: number
}

interface Piece {
  readonly dueAt: number
  /** Undefined: the end. */
  readonly bytes: Buffer | undefined
}

function delay(from: Socket, to: Socket, delayMs: number): void {
  const waiting: Piece[] = []
  let timer: NodeJS.Timeout | undefined
  const handOn = (): void => {
    timer = undefined
    const now = performance.now()
    const due = waiting.findIndex(({ dueAt }) => dueAt > now)
    to.cork()
    for (const { bytes } of waiting.splice(0, due < 0 ? waiting.length : due)) {
      if (bytes === undefined) to.end()
      else to.write(bytes)
    }
    to.uncork()
    const [next] = waiting
    if (next !== undefined) timer = setTimeout(handOn, Math.max(0, next.dueAt - now))
  }
  const take = (bytes: Buffer | undefined): void => {
    waiting.push({ dueAt: performance.now() + delayMs, bytes })
    timer ??= setTimeout(handOn, delayMs)
  }
  from.on('data', take)
  from.on('end', () => take(undefined))
  from.on('error', () => to.destroy())
  from.on('close', () => take(undefined))
}

/** Resolves to the port on which it takes connections for the other one. */
answerParent(async ({ port, delayMs }: RelayOrder): Promise<number> => {
  // The end of one side is delayed like everything else.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    delay(client, upstream, delayMs)
    delay(upstream, client, delayMs)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
})
