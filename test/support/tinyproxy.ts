import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sendSignal } from '#src/processes/watched-process.ts'
import { ENGINE_PATH, engineProgram, startEngine } from './engine-process.ts'
import { freePort } from './free-port.ts'

const USER = 'samaconso'
/** Its configuration takes no other characters than letters, digits and a few signs. */
const PASSWORD = randomBytes(12).toString('hex')

export interface Tinyproxy extends AsyncDisposable {
  /** With the user and password that it demands. */
  readonly url: URL
  /** Ends it, and every tunnel through it, at once. */
  stop(): Promise<void>
  /** Back on the same port. */
  start(): Promise<void>
  /** It stays connected and forwards nothing, until `resume`. */
  pause(): void
  resume(): void
}

export interface TinyproxyOptions {
  /** The only ports that a tunnel may lead to; without them, any. */
  readonly connectPorts?: readonly number[]
}

/** A real HTTP proxy that tunnels by CONNECT to whoever knows its password. */
export async function startTinyproxy({ connectPorts = [] }: TinyproxyOptions = {}): Promise<Tinyproxy> {
  const folder = mkdtempSync(join(tmpdir(), 'samaconso-tinyproxy-'))
  const port = await freePort()
  const file = join(folder, 'tinyproxy.conf')
  const settings = [
    `Port ${port}`,
    'Listen 127.0.0.1',
    'Timeout 60',
    'Allow 127.0.0.1',
    `BasicAuth ${USER} ${PASSWORD}`,
    ...connectPorts.map((allowed) => `ConnectPort ${allowed}`),
  ]
  writeFileSync(file, `${settings.join('\n')}\n`)
  const start = () =>
    startEngine({
      name: 'tinyproxy',
      command: engineProgram('tinyproxy', 'tinyproxy'),
      args: ['-d', '-c', file],
      env: { PATH: ENGINE_PATH },
      cwd: '/',
      // SIGTERM ends it at once, tunnels or not.
      graceMs: 5000,
      readyLine: /Accepting connections/,
    })
  let child = await start()
  const url = new URL(`http://127.0.0.1:${port}`)
  url.username = USER
  url.password = PASSWORD
  return {
    url,
    stop: () => child.close(),
    async start() {
      child = await start()
    },
    pause: () => sendSignal(-child.pid, 'SIGSTOP'),
    resume: () => sendSignal(-child.pid, 'SIGCONT'),
    async [Symbol.asyncDispose]() {
      await child.close()
      rmSync(folder, { recursive: true })
    },
  }
}
