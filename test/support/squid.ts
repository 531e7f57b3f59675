import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ENGINE_PATH, engineProgram, startEngine } from './engine-process.ts'
import { freePort } from './free-port.ts'
import { until } from './processes.ts'

export interface Squid extends AsyncDisposable {
  readonly url: URL
}

/** A real squid that tunnels by CONNECT to any port, and keeps and logs nothing. */
export async function startSquid(): Promise<Squid> {
  const folder = mkdtempSync(join(tmpdir(), 'samaconso-squid-'))
  const port = await freePort()
  const file = join(folder, 'squid.conf')
  const settings = [
    `http_port 127.0.0.1:${port}`,
    'http_access allow localhost',
    'http_access deny all',
    'cache deny all',
    'access_log none',
    'cache_log /dev/null',
    'pid_filename none',
    `coredump_dir ${folder}`,
    'visible_hostname localhost',
    'shutdown_lifetime 0 seconds',
  ]
  writeFileSync(file, `${settings.join('\n')}\n`)
  const child = await startEngine({
    name: 'squid',
    command: engineProgram('squid', 'squid'),
    // In the foreground, its messages on standard error.
    args: ['-N', '-d', '1', '-f', file],
    env: { PATH: ENGINE_PATH },
    cwd: '/',
    graceMs: 5000,
    readyLine: /Accepting HTTP Socket connections/,
  })
  const squid = {
    url: new URL(`http://127.0.0.1:${port}`),
    async [Symbol.asyncDispose]() {
      await child.close()
      rmSync(folder, { recursive: true })
    },
  }
  // It prints its line when it has the port and only then calls listen(2); nothing tells when that is done.
  await until('squid takes connections', () => takesConnections(port)).catch(async (error: unknown) => {
    await squid[Symbol.asyncDispose]()
    throw error
  })
  return squid
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
