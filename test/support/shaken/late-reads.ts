import { Socket } from 'node:net'

export interface Lateness {
  /** How long the next read waits; 0 for not at all. */
  readonly delayMs: () => number
  /** @default setTimeout */
  readonly later?: (wake: () => void, ms: number) => void
}

/** From now on whatever a socket of this process reads may come late, in its order. Until disposed. */
export function lateReads({ delayMs, later = setTimeout }: Lateness): Disposable {
  const { push } = Socket.prototype
  /** Of each socket, what it has read and nobody was given yet. */
  const held = new WeakMap<Socket, (() => void)[]>()

  /** Of what is held, each in a turn of its own, as it came. */
  function give(socket: Socket): void {
    const waiting = held.get(socket) ?? []
    const next = waiting.shift()
    if (next === undefined || socket.destroyed) {
      held.delete(socket)
      return
    }
    next()
    const ms = waiting.length > 0 ? delayMs() : 0
    if (ms === 0) setImmediate(() => give(socket))
    else later(() => give(socket), ms)
  }

  Socket.prototype.push = function (this: Socket, ...read: Parameters<typeof push>): boolean {
    const waiting = held.get(this)
    const ms = waiting === undefined ? delayMs() : 0
    if (waiting === undefined && ms === 0) return push.apply(this, read)
    const given = (): void => {
      if (!push.apply(this, read)) stopReading(this)
      // As Node does at an end: without it a socket that nobody reads does not notice.
      if (read[0] === null) this.read(0)
    }
    if (waiting !== undefined) waiting.push(given)
    else {
      held.set(this, [given])
      later(() => give(this), ms)
    }
    // Nothing more is read before this was given: the kernel holds no more than it would for a slow process.
    return false
  }

  return {
    [Symbol.dispose]() {
      Socket.prototype.push = push
    },
  }
}

/** What Node does itself where a push says that there is no more room; here it was told so before. */
function stopReading(socket: Socket): void {
  const { _handle: handle } = socket as { _handle?: { reading: boolean; readStop(): void } | null }
  if (!handle?.reading) return
  handle.reading = false
  handle.readStop()
}
