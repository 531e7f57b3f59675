/**
 * Holds connections to PostgreSQL's protocol open, as processes with pools do, and lets each ask once when told. Each
 * step is a question from the parent, so that several of these go in step.
 */
import pg from 'pg'
import { answerParent } from '../support/child.ts'

export type ClientsOrder =
  | { readonly step: 'open'; readonly url: string; readonly clients: number }
  /** Every client one query, all at once. */
  | { readonly step: 'ask'; readonly query: string }
  | { readonly step: 'close' }

/** So many log in at a time: each costs both sides a key derivation. */
const LOGINS_AT_A_TIME = 32

let clients: pg.Client[] = []

/** Latencies in ms of `ask`; nothing of the others. */
answerParent(async (order: ClientsOrder): Promise<number[]> => {
  if (order.step === 'ask') return Promise.all(clients.map((client) => timed(client, order.query)))
  if (order.step === 'open') {
    const waiting = Array.from({ length: order.clients }, () => new pg.Client({ connectionString: order.url }))
    clients = [...waiting]
    const logIn = async (): Promise<void> => {
      for (let client = waiting.pop(); client !== undefined; client = waiting.pop()) await client.connect()
    }
    await Promise.all(Array.from({ length: LOGINS_AT_A_TIME }, logIn))
    return []
  }
  await Promise.all(clients.map((client) => client.end()))
  return []
})

async function timed(client: pg.Client, query: string): Promise<number> {
  const startedAt = performance.now()
  await client.query(query)
  return performance.now() - startedAt
}
