import type { Channel } from 'amqplib'

/**
 * Resolves when the channel is gone, by our wish or before. What was sent on it is sent: a channel's goodbye goes out
 * after everything else, while closing the connection drops what still waits.
 */
export function closeChannel(channel: Channel): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  channel.once('close', resolve)
  // The promise of `close` never settles when the connection goes meanwhile, and it throws on a closed channel.
  channel.close().catch(() => resolve())
  return promise
}
