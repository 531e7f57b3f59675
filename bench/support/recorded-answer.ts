import type { BareAnswer } from '../spawned/bare-server.ts'
import type { PlannedRequest } from '../spawned/open-loop.ts'

const BY_NODE_ITSELF = new Set(['date', 'connection', 'keep-alive'])

/** What the system answers, for the bare server to repeat. Asked twice, so that it comes from the cache where there is one. */
export async function recordAnswer(
  port: number,
  { method, path, headers, body }: Omit<PlannedRequest, 'label'>,
): Promise<BareAnswer> {
  const ask = (): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, { method, headers, ...(body !== undefined && { body }) })
  await (await ask()).text()
  const answer = await ask()
  const text = await answer.text()
  const cache = answer.headers.get('x-cache') ?? 'HIT'
  if (!answer.ok || cache !== 'HIT') throw new Error(`${method} ${path} is ${answer.status} ${cache}: ${text}`)
  const sent = [...answer.headers].filter(([name]) => !BY_NODE_ITSELF.has(name))
  return { status: answer.status, headers: Object.fromEntries(sent), body: text }
}
