import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@redis/client'
import { sendSignal, type WatchedProcess } from '#src/processes/watched-process.ts'
import { ENGINE_PATH, engineProgram, startEngine } from './engine-process.ts'
import { freePort } from './free-port.ts'

export interface RedisAddress {
  /** `redis://:password@127.0.0.1:port/0` */
  readonly url: string
}

export interface Redis extends RedisAddress {
  readonly port: number
  /** Ends it and keeps what it holds. */
  stop(): Promise<void>
  /** Without a chance to write anything. */
  kill(): Promise<void>
  /** Back on the same port, with what its append-only file has. */
  start(): Promise<void>
  /** It stays connected and says nothing, as when it is swapped out; until `resume`. */
  pause(): void
  resume(): void
  /** FLUSHALL. */
  flush(): Promise<void>
  /** Ends it for good. */
  [Symbol.asyncDispose](): Promise<void>
}

/** A Redis of one's own, set up as in production: a password, little memory that evicts anything, an append-only file. */
export async function startRedis(): Promise<Redis> {
  const server = new RedisServer(await freePort())
  try {
    await server.start()
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
  return server
}

class RedisServer implements Redis {
  readonly port: number
  readonly url: string
  readonly #folder = mkdtempSync(join(tmpdir(), 'samaconso-redis-'))
  #server: WatchedProcess | undefined

  constructor(port: number) {
    const password = randomBytes(18).toString('base64url')
    this.port = port
    this.url = `redis://:${password}@127.0.0.1:${port}/0`
    const settings = [
      'bind 127.0.0.1',
      `port ${port}`,
      `requirepass ${password}`,
      `dir ${this.#folder}`,
      'maxmemory 64mb',
      'maxmemory-policy allkeys-lru',
      'appendonly yes',
      'save ""',
      'daemonize no',
      '',
    ]
    writeFileSync(join(this.#folder, 'redis.conf'), settings.join('\n'), { mode: 0o600 })
  }

  async start(): Promise<void> {
    this.#server = await startEngine({
      name: 'Redis',
      command: engineProgram('redis-server', 'redis-server'),
      args: [join(this.#folder, 'redis.conf')],
      env: { PATH: ENGINE_PATH, LC_ALL: 'C.UTF-8' },
      cwd: this.#folder,
      graceMs: 5000,
      readyLine: /Ready to accept connections/,
    })
  }

  async stop(): Promise<void> {
    await this.#server?.close()
  }

  async kill(): Promise<void> {
    if (this.#server === undefined) return
    sendSignal(-this.#server.pid, 'SIGKILL')
    await this.#server.exited
  }

  pause(): void {
    if (this.#server !== undefined) sendSignal(this.#server.pid, 'SIGSTOP')
  }

  resume(): void {
    if (this.#server !== undefined) sendSignal(this.#server.pid, 'SIGCONT')
  }

  async flush(): Promise<void> {
    const client = createClient({ url: this.url })
    await client.connect()
    await client.flushAll()
    client.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
