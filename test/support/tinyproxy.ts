import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
}

/** A real HTTP proxy that tunnels by CONNECT to whoever knows its password. */
export async function startTinyproxy(): Promise<Tinyproxy> {
  const folder = mkdtempSync(join(tmpdir(), 'samaconso-tinyproxy-'))
  const port = await freePort()
  const file = join(folder, 'tinyproxy.conf')
  writeFileSync(file, `Port ${port}\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\nBasicAuth ${USER} ${PASSWORD}\n`)
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
    async [Symbol.asyncDispose]() {
      await child.close()
      rmSync(folder, { recursive: true })
    },
  }
}
