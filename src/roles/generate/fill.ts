import pg from 'pg'
import { copyIn } from '#src/database/copy-in.ts'
import { agencyIds } from './agencies.ts'
import { type HouseholdOrder, makeHouseholds } from './households.ts'
import { withClient } from './with-client.ts'
import { customerRows, type RowParts } from './rows.ts'

export interface FillOrder extends HouseholdOrder {
  /** How many there are to be in the end, those of an earlier run included. */
  readonly customers: number
  /** Argon2id of the PIN, the same for all: hashing it for each would take longer than everything else. */
  readonly pinHash: string
}

/** Customers of one transaction: with those of the other lane, what a run that is stopped leaves undone. */
const BATCH = 10_000
/** One process of PostgreSQL is kept busy by each; making the rows takes a fifth of that. */
const LANES = 2

/**
 * Adds the customers from place `from` on and resolves with the number of rows. Each batch is one transaction, and
 * they are committed in order, so that what is there is always the first so many customers. `onBatch` is told the
 * place reached and the rows so far.
 */
export async function fillCustomers(
  url: string,
  order: FillOrder,
  from: number,
  onBatch: (place: number, rows: number) => void,
): Promise<number> {
  const clients = Array.from({ length: LANES }, () => new pg.Client({ connectionString: url }))
  try {
    for (const client of clients) await client.connect()
    const parts = await partsOf(url, order)
    let rows = 0
    let next = from
    let committed = Promise.resolve()
    const lane = async (client: pg.Client): Promise<void> => {
      while (next < order.customers) {
        const place = next
        const end = (next = Math.min(order.customers, place + BATCH))
        const batch = fillBatch(client, parts, place, end, committed)
        committed = batch.then(() => {})
        // Told to whoever waits for it; perhaps nobody does.
        committed.catch(() => {})
        const added = await batch
        rows += added
        onBatch(end, rows)
      }
    }
    const lanes = await Promise.allSettled(clients.map(lane))
    for (const ended of lanes) if (ended.status === 'rejected') throw ended.reason
    return rows
  } finally {
    await Promise.all(clients.map((client) => client.end()))
  }
}

async function partsOf(url: string, order: FillOrder): Promise<RowParts> {
  return {
    seed: order.seed,
    households: makeHouseholds(order),
    agencyIds: await withClient(url, (client) => agencyIds(client, order.seed)),
    pinHash: order.pinHash,
    now: order.until.toISOString(),
    hasHistory: order.months > 0,
  }
}

/** Commits after `before` has; stores nothing when that fails. Resolves with the number of rows. */
async function fillBatch(
  client: pg.Client,
  parts: RowParts,
  from: number,
  to: number,
  before: Promise<void>,
): Promise<number> {
  await client.query('begin')
  try {
    let rows = 0
    for (const { table, columns, lines } of customerRows(parts, from, to)) {
      rows += await copyIn(client, `copy ${table} (${columns}) from stdin`, lines)
    }
    await before
    await client.query('commit')
    return rows
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  }
}
