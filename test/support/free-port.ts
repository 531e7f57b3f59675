import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Below what Linux takes for outgoing connections (from 32768): an engine may listen seconds after it was told its
 * port, and nothing that connects elsewhere meanwhile shall have been given that one.
 */
const LOWEST = 20_000
const HIGHEST = 32_000
const ATTEMPTS = 50

/** A port of 127.0.0.1 that is free now, for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(LOWEST, HIGHEST)
    if (await isFree(port)) return port
  }
  throw new Error(`no free port on 127.0.0.1 between ${LOWEST} and ${HIGHEST}`)
}

function isFree(port: number): Promise<boolean> {
  const probe = createServer()
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
