import { createServer } from 'node:net'

/** A port of 127.0.0.1 that was free a moment ago, for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  const probe = createServer()
  const listening = Promise.withResolvers<void>()
  probe.once('error', listening.reject)
  probe.listen(0, '127.0.0.1', listening.resolve)
  await listening.promise
  const address = probe.address()
  if (address === null || typeof address === 'string') throw new Error('no free port on 127.0.0.1')
  await new Promise((resolve) => probe.close(resolve))
  return address.port
}
