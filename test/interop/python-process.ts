import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Venv } from './venv.ts'

const FOLDER = fileURLToPath(new URL('python/', import.meta.url))

/** Where Python's programs find the broker and the results. */
export interface Engines {
  readonly brokerUrl: string
  readonly resultUrl: string
}

/** An exception that Python raised. */
export class PythonRaised extends Error {
  readonly type: string
  readonly module: string
  readonly args: readonly string[]

  constructor(raised: { type: string; module: string; args: readonly string[]; trace: string }) {
    super(`${raised.module}.${raised.type}(${raised.args.join(', ')})\n${raised.trace}`)
    this.type = raised.type
    this.module = raised.module
    this.args = raised.args
  }
}

/** A Python client of Celery that evaluates expressions: `await python.eval("add.delay(1, 2).get(timeout=5)")`. */
export class PythonClient implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #waiting: PromiseWithResolvers<unknown>[] = []

  constructor(venv: Venv, engines: Engines) {
    const { python } = venv
    this.#child = spawn(python, ['drive.py'], { ...optionsOf(engines), stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#answered(line))
    this.#child.on('exit', (code) => {
      for (const waiting of this.#waiting.splice(0)) waiting.reject(new Error(`Python has ended with ${code}`))
    })
  }

  /** @throws PythonRaised */
  async eval<T = unknown>(expression: string): Promise<T> {
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting.push(waiting)
    this.#child.stdin?.write(`${JSON.stringify(expression)}\n`)
    return (await waiting.promise) as T
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end()
    await ended(this.#child)
  }

  #answered(line: string): void {
    const answer = JSON.parse(line) as { value?: unknown; error?: ConstructorParameters<typeof PythonRaised>[0] }
    const waiting = this.#waiting.shift()
    if (answer.error === undefined) waiting?.resolve(answer.value)
    else waiting?.reject(new PythonRaised(answer.error))
  }
}

export interface CommandResult {
  readonly code: number | null
  readonly output: string
}

/** Runs `celery …` as an operator would, from the application's folder. */
export async function celeryCommand(venv: Venv, engines: Engines, args: readonly string[]): Promise<CommandResult> {
  const child = spawn(venv.command('celery'), ['-A', 'interop_app', ...args], optionsOf(engines))
  const chunks: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => chunks.push(String(chunk)))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output: chunks.join('') }
}

/** A real Celery worker; resolves when it is ready. */
export class PythonWorker implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #lines: string[] = []

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(venv: Venv, engines: Engines, node: string, ...args: readonly string[]): Promise<PythonWorker> {
    const worker = ['worker', '-n', node, '-l', 'INFO', '-c', '2', '-Q', 'python', ...args]
    const child = spawn(venv.command('celery'), ['-A', 'interop_app', ...worker], optionsOf(engines))
    const started = new PythonWorker(child)
    const ready = Promise.withResolvers<void>()
    for (const input of [child.stdout!, child.stderr!]) {
      createInterface({ input }).on('line', (line) => {
        started.#lines.push(line)
        if (line.endsWith(' ready.')) ready.resolve()
      })
    }
    child.on('exit', (code) => ready.reject(new Error(`the worker ended with ${code}:\n${started.log}`)))
    await ready.promise
    return started
  }

  /** What it has printed. */
  get log(): string {
    return this.#lines.join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM')
    await ended(this.#child)
  }
}

function optionsOf({ brokerUrl, resultUrl }: Engines) {
  const env = {
    ...process.env,
    BROKER_URL: brokerUrl,
    RESULT_URL: resultUrl,
    PYTHONUNBUFFERED: '1',
    PYTHONPATH: FOLDER,
    C_FORCE_ROOT: '1',
  }
  return { cwd: FOLDER, env: { ...env, PYTHONDONTWRITEBYTECODE: '1', TZ: 'UTC' } }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}
