import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Engines } from './python-process.ts'

const SCRIPT = fileURLToPath(new URL('node-worker.ts', import.meta.url))

/** A worker of ours in a process of its own, that can be killed. */
export class NodeProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #seen: string[] = []
  readonly #waiting = new Map<string, () => void>()

  private constructor(child: ChildProcess) {
    this.#child = child
    createInterface({ input: child.stdout! }).on('line', (line) => {
      this.#seen.push(line)
      this.#waiting.get(line)?.()
    })
  }

  static async start(engines: Engines, name: string): Promise<NodeProcess> {
    const env = { ...process.env, BROKER_URL: engines.brokerUrl, RESULT_URL: engines.resultUrl, NODE_NAME: name }
    const started = new NodeProcess(spawn(process.execPath, [SCRIPT], { env, stdio: ['ignore', 'pipe', 'inherit'] }))
    await started.until('ready')
    return started
  }

  /** It has printed this line, such as `ready` or `began id`. */
  async until(line: string): Promise<void> {
    if (this.#seen.includes(line)) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.set(line, resolve)
    await promise
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended()
  }

  /** A warm shutdown. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#ended()
  }

  async #ended(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
  }
}
