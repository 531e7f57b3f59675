import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { sendSignal, type WatchedProcess } from '#src/processes/watched-process.ts'
import { ENGINE_PATH, engineProgram, startEngine } from './engine-process.ts'
import { freePort } from './free-port.ts'

export interface RabbitmqAddress {
  /** `amqp://…` of the default virtual host. */
  readonly url: string
  /** `http://127.0.0.1:…`, of the management plugin, without credentials. */
  readonly managementUrl: string
  readonly user: string
  readonly password: string
}

export interface Rabbitmq extends RabbitmqAddress {
  /** An orderly stop and a start, about seven seconds. Durable queues with their persistent messages stay. */
  restart(): Promise<void>
  /** Ends it without a chance to tidy up; `start` brings it back. What was declared before is on disk by then. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Tells every client that an operator closes its connection (320), and returns when they are closed. */
  closeConnections(): Promise<void>
  /** Runs `rabbitmqctl` against it and returns what it prints. Takes one to two seconds. */
  ctl(...args: readonly string[]): Promise<string>
  /** Ends it and removes its folder. */
  stop(): Promise<void>
}

const run = promisify(execFile)

/** A RabbitMQ of one's own with the management plugin: 5 to 8 s to start. It listens on 127.0.0.1 alone, on private ports. */
export async function startRabbitmq(): Promise<Rabbitmq> {
  const node = await RabbitmqNode.prepare()
  try {
    await node.start()
  } catch (error) {
    await node.stop()
    throw error
  }
  return node
}

interface Ports {
  readonly amqp: number
  readonly management: number
  readonly distribution: number
  readonly epmd: number
}

class RabbitmqNode implements Rabbitmq {
  readonly user = 'tests'
  readonly password = randomBytes(18).toString('base64url')
  readonly #ports: Ports
  readonly #folder = mkdtempSync(join(tmpdir(), 'samaconso-rabbitmq-'))
  /** Debian's command of that name insists on root or its own user; the scripts behind it do not. */
  readonly #scripts = dirname(realpathSync(engineProgramOf('rabbitmq-server')))
  readonly #env: Readonly<Record<string, string>>
  #epmd: WatchedProcess | undefined
  #server: WatchedProcess | undefined

  private constructor(ports: Ports) {
    this.#ports = ports
    this.#env = this.#environment(`samaconso-${randomBytes(6).toString('hex')}@localhost`)
    mkdirSync(join(this.#folder, 'logs'))
    writeFileSync(join(this.#folder, 'enabled_plugins'), '[rabbitmq_management].\n')
    writeFileSync(join(this.#folder, 'rabbitmq.conf'), this.#configuration(), { mode: 0o600 })
  }

  static async prepare(): Promise<RabbitmqNode> {
    const [amqp, management, distribution, epmd] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ]
    return new RabbitmqNode({ amqp, management, distribution, epmd })
  }

  get url(): string {
    return `amqp://${this.user}:${this.password}@127.0.0.1:${this.#ports.amqp}`
  }

  get managementUrl(): string {
    return `http://127.0.0.1:${this.#ports.management}`
  }

  async start(): Promise<void> {
    // Erlang's own start of its port mapper would leave a daemon behind that nobody stops.
    this.#epmd ??= await startEngine({
      name: 'epmd',
      command: engineProgram('epmd', 'erlang-base'),
      args: ['-debug', '-debug', '-port', `${this.#ports.epmd}`, '-address', '127.0.0.1'],
      env: { PATH: ENGINE_PATH },
      graceMs: 1000,
      // It says that it runs before it listens, and Erlang starts one of its own where it finds none.
      readyLine: /entering the main select/,
    })
    this.#server = await startEngine({
      name: 'RabbitMQ',
      command: join(this.#scripts, 'rabbitmq-server'),
      args: [],
      env: this.#env,
      cwd: this.#folder,
      graceMs: 15_000,
      readyLine: /Server startup complete/,
    })
  }

  async restart(): Promise<void> {
    // RabbitMQ alone, not the Erlang machine around it: half the time, and the same to its clients and its data.
    await this.ctl('stop_app')
    await this.ctl('start_app')
  }

  async kill(): Promise<void> {
    // RabbitMQ 3.10 answers a declaration a moment before its record is written: of 16 kills right after one, 3 lost the
    // queue. Queues are made once, long before anything goes wrong, and what is tested is the messages in them.
    await this.ctl('eval', 'mnesia:sync_log().')
    await this.#end()
  }

  async #end(): Promise<void> {
    if (this.#server === undefined) return
    // The whole group: the script, the Erlang machine and its helpers.
    sendSignal(-this.#server.pid, 'SIGKILL')
    await this.#server.exited
  }

  async closeConnections(): Promise<void> {
    await this.ctl('close_all_connections', 'the test says so')
  }

  async ctl(...args: readonly string[]): Promise<string> {
    const { stdout } = await run(join(this.#scripts, 'rabbitmqctl'), args, { env: this.#env, cwd: this.#folder })
    return stdout
  }

  async stop(): Promise<void> {
    // An orderly stop takes six seconds, and nothing of it is needed any more.
    await this.#end()
    await this.#epmd?.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #environment(nodeName: string): Record<string, string> {
    const folder = this.#folder
    return {
      PATH: ENGINE_PATH,
      // Erlang's cookie is made there.
      HOME: folder,
      LC_ALL: 'C.UTF-8',
      ERL_EPMD_PORT: `${this.#ports.epmd}`,
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_NODENAME: nodeName,
      RABBITMQ_DIST_PORT: `${this.#ports.distribution}`,
      RABBITMQ_CONF_ENV_FILE: join(folder, 'rabbitmq-env.conf'),
      RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
      RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
      RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
      RABBITMQ_LOG_BASE: join(folder, 'logs'),
      RABBITMQ_LOGS: '-',
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 2:2 +A 8 -kernel inet_dist_use_interface {127,0,0,1}',
      RABBITMQ_CTL_ERL_ARGS: '+S 1:1 +A 1',
    }
  }

  #configuration(): string {
    return [
      `listeners.tcp.1 = 127.0.0.1:${this.#ports.amqp}`,
      `management.tcp.ip = 127.0.0.1`,
      `management.tcp.port = ${this.#ports.management}`,
      `default_user = ${this.user}`,
      `default_pass = ${this.password}`,
      'default_user_tags.administrator = true',
      // The tests' messages are few; a developer's full disk shall not block them.
      'disk_free_limit.absolute = 50MB',
      'log.console = true',
      'log.console.level = info',
      '',
    ].join('\n')
  }
}

function engineProgramOf(script: string): string {
  engineProgram(script, 'rabbitmq-server')
  return `/usr/lib/rabbitmq/bin/${script}`
}
