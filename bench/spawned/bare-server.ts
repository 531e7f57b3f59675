/** The peer: `node:http` with nothing on it, which answers what it was given, byte for byte. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerParent } from '../support/child.ts'

export interface BareAnswer {
  readonly status: number
  /** Without those that Node adds by itself. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** By method and path. */
export type BareAnswers = Readonly<Record<string, BareAnswer>>

answerParent(async (answers: BareAnswers) => {
  const known = new Map(Object.entries(answers))
  const server = createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
    const { status, headers, body } = known.get(`${request.method} ${request.url}`)!
    if (request.method === 'GET') {
      response.writeHead(status, headers)
      response.end(body)
      return
    }
    request.resume()
    request.on('end', () => {
      response.writeHead(status, headers)
      response.end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
})
