import { Socket } from 'node:net'

export interface Lateness {
  /** How long the next read waits; 0 for not at all. */
  readonly delayMs: () => number
  /** @default setTimeout */
  readonly later?: (wake: () => void, ms: number) => void
}

type Push = Socket['push']
type Read = Parameters<Push>

/** From now on whatever a socket of this process reads may come late, in its order. Until disposed. */
export function lateReads({ delayMs, later = setTimeout }: Lateness): Disposable {
  const push: Push = Socket.prototype.push
  /** Of each socket, what it has read and nobody was given yet. */
  const held = new WeakMap<Socket, Read[]>()

  Socket.prototype.push = function (this: Socket, ...read: Read): boolean {
    const waiting = held.get(this)
    if (waiting !== undefined) {
      waiting.push(read)
      return true
    }
    const ms = delayMs()
    if (ms === 0) return push.apply(this, read)
    held.set(this, [read])
    later(() => give(this), ms)
    return true
  }

  function give(socket: Socket): void {
    const waiting = held.get(socket) ?? []
    const read = waiting.shift()
    if (read === undefined || socket.destroyed) {
      held.delete(socket)
      return
    }
    const hasRoom = push.apply(socket, read)
    if (!hasRoom) stopReading(socket)
    // As Node does at an end: without it a socket that nobody reads does not notice.
    if (read[0] === null) socket.read(0)
    // Each in a turn of its own, as they came.
    const ms = waiting.length > 0 ? delayMs() : 0
    if (ms === 0) setImmediate(() => give(socket))
    else later(() => give(socket), ms)
  }

  return {
    [Symbol.dispose]() {
      Socket.prototype.push = push
    },
  }
}

/** What Node does itself where a push says that there is no more room; here it was told that there was. */
function stopReading(socket: Socket): void {
  const { _handle: handle } = socket as { _handle?: { reading: boolean; readStop(): void } | null }
  if (!handle?.reading) return
  handle.reading = false
  handle.readStop()
}
