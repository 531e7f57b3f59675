/**
 * Sends each request at its time, whether or not the ones before were answered, and counts from that time: a server
 * that stalls is charged with everybody who had to wait, as its users would.
 */
import { Agent, request as startRequest } from 'node:http'
import { answerParent } from '../support/child.ts'

export interface PlannedRequest {
  /** The row of the table that it counts for. */
  readonly label: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

export interface OpenLoop {
  readonly port: number
  readonly intervalMs: number
  readonly requests: readonly PlannedRequest[]
}

export interface Sample {
  readonly label: string
  /** 0: no answer. */
  readonly status: number
  /** X-Cache, where there was one. */
  readonly cache: string | undefined
  readonly latencyMs: number
  /** When it was to be sent, milliseconds since 1970 UTC. */
  readonly intendedAtMs: number
}

const agent = new Agent({ keepAlive: true })

function send(port: number, planned: PlannedRequest, intendedAt: number): Promise<Sample> {
  const { label, method, path, headers, body } = planned
  const intendedAtMs = Date.now() + intendedAt - performance.now()
  return new Promise((resolve) => {
    const finish = (status: number, cache?: string): void =>
      resolve({ label, status, cache, latencyMs: performance.now() - intendedAt, intendedAtMs })
    const request = startRequest({ agent, host: '127.0.0.1', port, method, path, headers }, (response) => {
      response.resume()
      response.on('end', () => finish(response.statusCode ?? 0, response.headers['x-cache']?.toString()))
      response.on('error', () => finish(0))
    })
    request.on('error', () => finish(0))
    request.end(body)
  })
}

answerParent(async ({ port, intervalMs, requests }: OpenLoop): Promise<Sample[]> => {
  const startAt = performance.now()
  const answers: Promise<Sample>[] = []
  for (const [place, planned] of requests.entries()) {
    const intendedAt = startAt + place * intervalMs
    const waitMs = intendedAt - performance.now()
    // A late timer catches up by sending at once; the lateness is in the latency.
    if (waitMs > 0) await new Promise((resolve) => void setTimeout(resolve, waitMs))
    answers.push(send(port, planned, intendedAt))
  }
  return Promise.all(answers)
})
