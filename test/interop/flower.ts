import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '#test/support/free-port.ts'
import { ROOT, type StartedProgram, startProgram, until } from '#test/support/processes.ts'
import type { Rabbitmq } from '#test/support/rabbitmq.ts'
import type { RealSystem } from '#test/support/real-system.ts'
import type { Venv } from './venv.ts'

export const START_SCRIPT = join(ROOT, 'deploy/server-3/flower/start.sh')

export interface FlowerAnswer {
  readonly status: number
  readonly text: string
}

/** A real Flower, started as in production: by our script, its secrets in files. */
export class Flower implements AsyncDisposable {
  readonly #program: StartedProgram
  readonly #url: string
  readonly #authorization: string
  readonly #folder: string

  private constructor(program: StartedProgram, url: string, account: string, folder: string) {
    this.#program = program
    this.#url = url
    this.#authorization = `Basic ${Buffer.from(account).toString('base64')}`
    this.#folder = folder
  }

  static async start(venv: Venv, { settings, rabbitmq }: RealSystem): Promise<Flower> {
    const folder = mkdtempSync(join(tmpdir(), 'samaconso-flower-'))
    const port = await freePort()
    const account = `operator:${randomBytes(18).toString('base64url')}`
    const broker = new URL(settings['BROKER_URL'] ?? '')
    const own = await accountAt(rabbitmq, broker.pathname.slice(1))
    Object.assign(broker, own)
    const management = Object.assign(new URL('/api/', rabbitmq.managementUrl), own)
    const file = (name: string, text: string): string => {
      const path = join(folder, name)
      writeFileSync(path, `${text}\n`, { mode: 0o600 })
      return path
    }
    const program = startProgram(['sh', START_SCRIPT], {
      env: {
        CELERY: venv.command('celery'),
        FLOWER_BASIC_AUTH_FILE: file('accounts', `${account}\nother:${randomBytes(18).toString('base64url')}`),
        BROKER_URL_FILE: file('broker', broker.href),
        REDIS_URL_FILE: file('redis', settings['REDIS_URL'] ?? ''),
        FLOWER_BROKER_API_FILE: file('management', management.href),
        FLOWER_PORT: `${port}`,
        FLOWER_ADDRESS: '127.0.0.1',
        PYTHONPATH: join(import.meta.dirname, 'python'),
        PYTHONDONTWRITEBYTECODE: '1',
        TZ: 'UTC',
      },
    })
    const flower = new Flower(program, `http://127.0.0.1:${port}`, account, folder)
    try {
      await until('Flower answers', () => flower.#isUp(), 60_000)
    } catch (error) {
      await flower[Symbol.asyncDispose]()
      throw new Error(flower.log, { cause: error })
    }
    return flower
  }

  get pid(): number {
    return this.#program.pid
  }

  get log(): string {
    return this.#program.output.stdout + this.#program.output.stderr
  }

  async get(path: string, authorization = this.#authorization): Promise<FlowerAnswer> {
    return await answerOf(await fetch(new URL(path, this.#url), { headers: { authorization } }))
  }

  async json<T>(path: string): Promise<T> {
    const { status, text } = await this.get(path)
    if (status !== 200) throw new Error(`${path} answered ${status}: ${text}\n${this.log}`)
    return JSON.parse(text) as T
  }

  /** A form, as the buttons of its pages send. */
  async press(path: string, fields: Readonly<Record<string, string>> = {}): Promise<FlowerAnswer> {
    return await this.#post(path, new URLSearchParams(fields))
  }

  async post(path: string, body: unknown): Promise<FlowerAnswer> {
    return await this.#post(path, JSON.stringify(body))
  }

  async #post(path: string, body: string | URLSearchParams): Promise<FlowerAnswer> {
    const headers = { authorization: this.#authorization }
    return await answerOf(await fetch(new URL(path, this.#url), { method: 'POST', headers, body }))
  }

  async #isUp(): Promise<boolean> {
    try {
      return (await this.get('/healthcheck')).status === 200
    } catch {
      return false
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** As docs/operations/flower.md says: no rights that it does not need. */
async function accountAt(rabbitmq: Rabbitmq, virtualHost: string) {
  const account = { username: 'flower', password: randomBytes(18).toString('base64url') }
  const ours = rightsInDocs()
  await manage(rabbitmq, 'PUT', 'users/flower', { password: account.password, tags: 'monitoring' })
  const rights = { configure: ours, write: ours, read: ours }
  await manage(rabbitmq, 'PUT', `permissions/${virtualHost}/flower`, rights)
  return account
}

function rightsInDocs(): string {
  const text = readFileSync(join(ROOT, 'docs/operations/flower.md'), 'utf8')
  const [, rights] = /^ours='(.+)'$/m.exec(text) ?? []
  if (rights === undefined) throw new Error('docs/operations/flower.md no longer says what rights Flower needs')
  return rights
}

async function manage(rabbitmq: Rabbitmq, method: string, path: string, body: unknown): Promise<void> {
  const authorization = `Basic ${Buffer.from(`${rabbitmq.user}:${rabbitmq.password}`).toString('base64')}`
  const url = `${rabbitmq.managementUrl}/api/${path}`
  const headers = { authorization, 'content-type': 'application/json' }
  const response = await fetch(url, { method, headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`RabbitMQ answered ${response.status} to ${path}: ${await response.text()}`)
}

async function answerOf(response: Response): Promise<FlowerAnswer> {
  return { status: response.status, text: await response.text() }
}
