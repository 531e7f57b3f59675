import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Faults, setFaults } from './faults.ts'
import type { StatementLog } from './statement-log.ts'

const LARGEST_BODY_BYTES = 10_000

/**
 * How another process steers the simulator: `GET /faults`, `PUT /faults` with some or all of them as JSON,
 * `GET /statements` for what clients sent, `DELETE /statements` to count anew. It listens on the loopback only.
 */
export async function startControlServer(options: {
  port: number
  faults: Faults
  statements: StatementLog
}): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request, options.faults, options.statements).then(
      ([status, body]) => send(response, status, body),
      (error: unknown) => send(response, 400, { error: error instanceof Error ? error.message : 'bad request' }),
    )
  })
  server.listen(options.port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function answer(
  request: IncomingMessage,
  faults: Faults,
  statements: StatementLog,
): Promise<[status: number, body?: unknown]> {
  switch (`${request.method} ${request.url}`) {
    case 'GET /faults':
      return [200, faults]
    case 'PUT /faults':
      setFaults(faults, JSON.parse(await bodyOf(request)))
      return [200, faults]
    case 'GET /statements':
      return [200, statements.all]
    case 'DELETE /statements':
      statements.clear()
      return [204]
    default:
      return [404, { error: 'there are only GET and PUT /faults, GET and DELETE /statements' }]
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > LARGEST_BODY_BYTES) throw new RangeError('the body is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function send(response: ServerResponse, status: number, body?: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}
