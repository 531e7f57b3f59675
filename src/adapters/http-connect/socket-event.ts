import type { Socket } from 'node:net'

/** Waits for the event; on an error, a close or the deadline the socket is destroyed. */
export function socketEvent(socket: Socket, event: 'connect' | 'secureConnect', deadline: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const fail = (error: Error): void => {
    detach()
    socket.on('error', () => undefined)
    socket.destroy()
    reject(error)
  }
  const closed = (): void => fail(new Error('the connection was closed before it was ready'))
  const late = (): void => fail(new Error('the connection was not ready in time'))
  const done = (): void => {
    detach()
    resolve()
  }
  const detach = (): void => {
    socket.off(event, done)
    socket.off('error', fail)
    socket.off('close', closed)
    deadline.removeEventListener('abort', late)
  }
  socket.on(event, done)
  socket.on('error', fail)
  socket.on('close', closed)
  deadline.addEventListener('abort', late)
  if (deadline.aborted) late()
  return promise
}
