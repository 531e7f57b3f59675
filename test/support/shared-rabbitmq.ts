import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { type Rabbitmq, type RabbitmqAddress, startRabbitmq } from './rabbitmq.ts'

/** Where the global set-up leaves the socket on which test processes ask for the run's one RabbitMQ. */
const SOCKET_VARIABLE = 'SAMACONSO_TEST_RABBITMQ'

type Answer = RabbitmqAddress | { readonly error: string }

/** A virtual host of one's own on the run's RabbitMQ: names in it meet nobody else's. */
export interface RabbitmqHost extends RabbitmqAddress, AsyncDisposable {
  readonly virtualHost: string
}

/**
 * For the global set-up: a RabbitMQ that starts when the first test asks for it, as it takes seconds and most runs
 * of single files need none.
 */
export async function offerRabbitmq(): Promise<AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), 'samaconso-test-'))
  let starting: Promise<Rabbitmq> | undefined
  const door = createServer((socket) => {
    socket.on('error', () => {})
    starting ??= startRabbitmq()
    starting.then(
      ({ url, managementUrl, user, password }) => socket.end(JSON.stringify({ url, managementUrl, user, password })),
      (error: unknown) => socket.end(JSON.stringify({ error: String(error) })),
    )
  })
  const path = join(folder, 'rabbitmq')
  await new Promise<void>((resolve) => door.listen(path, resolve))
  process.env[SOCKET_VARIABLE] = path
  return {
    async [Symbol.asyncDispose]() {
      door.close()
      const server = await starting?.catch(() => undefined)
      await server?.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** For tests that leave the server alone; whoever stops it, or counts all its connections, calls `startRabbitmq`. */
export async function rabbitmqHost(): Promise<RabbitmqHost> {
  const server = await ask()
  const virtualHost = `test-${randomUUID()}`
  const manage = manager(server)
  await manage('PUT', `/api/vhosts/${virtualHost}`, {})
  await manage('PUT', `/api/permissions/${virtualHost}/${server.user}`, { configure: '.*', write: '.*', read: '.*' })
  return {
    ...server,
    url: `${server.url}/${virtualHost}`,
    virtualHost,
    [Symbol.asyncDispose]: () => manage('DELETE', `/api/vhosts/${virtualHost}`),
  }
}

async function ask(): Promise<RabbitmqAddress> {
  const path = process.env[SOCKET_VARIABLE]
  if (path === undefined) throw new Error('no RabbitMQ for the tests: run them by `npm test -- FILE`')
  const answer = (await json(connect(path))) as Answer
  if ('error' in answer) throw new Error(answer.error)
  return answer
}

function manager({ managementUrl, user, password }: RabbitmqAddress) {
  const headers = {
    authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
    'content-type': 'application/json',
  }
  return async (method: string, path: string, body?: object): Promise<void> => {
    const request = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
    const response = await fetch(managementUrl + path, request)
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  }
}
