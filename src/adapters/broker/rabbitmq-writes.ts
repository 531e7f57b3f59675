import type { Socket } from 'node:net'

/**
 * The library hands its frames to the socket one by one, each a system call, and an ack is a frame: a sixth of what a
 * worker of small tasks used. With this, what is written in one turn of the event loop goes out together.
 */
export function writeTogether(socket: Socket): void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean
  socket.write = (...args: unknown[]): boolean => {
    if (socket.writableCorked === 0) {
      socket.cork()
      process.nextTick(() => socket.uncork())
    }
    return write(...args)
  }
}
