import { Agent, get } from 'node:http'
import type { Reader } from './consumption-world.ts'

const agent = new Agent({ keepAlive: true })

export interface Answer {
  readonly status: number
  readonly cache: string
  readonly tookMs: number
  readonly json: unknown
}

/** Asks once, and has the whole answer. */
export function read(port: number, { path, token }: Pick<Reader, 'path' | 'token'>): Promise<Answer> {
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` }
    get({ agent, host: '127.0.0.1', port, path, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('error', reject).on('end', () => {
        const { statusCode: status = 0, headers: answered } = response
        const cache = String(answered['x-cache'])
        resolve({ status, cache, tookMs: performance.now() - startedAt, json: JSON.parse(text) })
      })
    }).on('error', reject)
  })
}

/** Goes through them, so many at a time. */
export async function inLanes<T>(lanes: number, all: readonly T[], go: (one: T) => Promise<void>): Promise<void> {
  const queue = all.values()
  const lane = async (): Promise<void> => {
    for (const one of queue) await go(one)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}
