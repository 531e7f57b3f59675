import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'

/**
 * Below what Linux takes for outgoing connections (from 32768): an engine may listen seconds after it was told its
 * port, and nothing that connects elsewhere meanwhile shall have been given that one.
 */
const LOWEST = 20_000
const HIGHEST = 32_000
/** Other test files look for ports at the same time: each process has so many of its own. */
const BLOCK_PORTS = 100
const BLOCKS = (HIGHEST - LOWEST) / BLOCK_PORTS
const ATTEMPTS = 50

let block: Promise<number> | undefined
let given = 0

/**
 * A port of 127.0.0.1 for a program that cannot choose one itself. It stays the test's own: no other test is told it for
 * as long as this process lives, also while nobody listens on it, as between a server's end and its next start.
 */
export async function freePort(): Promise<number> {
  const first = await (block ??= ownBlock())
  for (let attempt = 0; attempt < BLOCK_PORTS; attempt += 1) {
    // The block's first port holds the block.
    const port = first + 1 + (given++ % (BLOCK_PORTS - 1))
    if (await isFree(port)) return port
  }
  throw new Error(`no free port on 127.0.0.1 between ${first} and ${first + BLOCK_PORTS}`)
}

/** The first port of a block that is ours until this process ends. */
async function ownBlock(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const first = LOWEST + randomInt(BLOCKS) * BLOCK_PORTS
    const holder = createServer().unref()
    if (await listens(holder, first)) return first
  }
  throw new Error(`no free ports on 127.0.0.1 between ${LOWEST} and ${HIGHEST}`)
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer()
  const isOurs = await listens(probe, port)
  if (isOurs) await new Promise((resolve) => probe.close(resolve))
  return isOurs
}

function listens(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => resolve(true))
  })
}
