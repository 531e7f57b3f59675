import { randomInt } from 'node:crypto'
import { createServer, type ListenOptions, type Server } from 'node:net'

/**
 * Below what Linux takes for outgoing connections (from 32768): an engine may listen seconds after it was told its
 * port, and nothing that connects elsewhere meanwhile shall have been given that one.
 */
const LOWEST = 20_000
const HIGHEST = 32_000
const ATTEMPTS = 50

/**
 * A port of 127.0.0.1 that is free now, for programs that cannot choose one themselves. Nobody else who asks here is
 * given it before this process ends, so that files of tests that run at the same time do not meet.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(LOWEST, HIGHEST)
    if ((await isOurs(port)) && (await isFree(port))) return port
  }
  throw new Error(`no free port on 127.0.0.1 between ${LOWEST} and ${HIGHEST}`)
}

/** A name in Linux's abstract space has one holder on the machine, leaves no file, and goes with its process. */
async function isOurs(port: number): Promise<boolean> {
  const held = await listening({ path: `\0samaconso-test-port-${port}` })
  held?.unref()
  return held !== undefined
}

async function isFree(port: number): Promise<boolean> {
  const probe = await listening({ port, host: '127.0.0.1' })
  if (probe === undefined) return false
  await new Promise((resolve) => probe.close(resolve))
  return true
}

function listening(options: ListenOptions): Promise<Server | undefined> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined))
    server.listen(options, () => resolve(server))
  })
}
