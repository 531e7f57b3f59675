import type pg from 'pg'
import { Refusal } from '#src/roles/command.ts'
import { customerAt, MOST_CUSTOMERS, PHONE_PREFIX } from './customer.ts'

/** What a database holds before it is filled. */
export interface Present {
  readonly database: string
  /** How many of the seed's customers are there: always the first so many. */
  readonly customers: number
  /** Argon2id of the PIN that they have; undefined when there are none. */
  readonly pinHash: string | undefined
}

/**
 * Looks at what is there. Accounts of anybody else may be real people's: then the caller must have named the
 * database in `yesFill`.
 * @throws Refusal
 */
export async function lookAtDatabase(client: pg.Client, seed: string, yesFill: string | undefined): Promise<Present> {
  const { database, others, made } = await whoIsThere(client)
  if (yesFill !== undefined && yesFill !== database) {
    throw new Refusal(`--yes-fill names ${yesFill}, but this is the database ${database}`)
  }
  if (others && yesFill === undefined) {
    throw new Refusal(
      `the database ${database} has accounts that were not generated: made-up customers belong into an empty one. If it may be filled all the same, add --yes-fill ${database}`,
    )
  }
  const pinHash = await pinHashOf(client, customerAt(seed, 0).accountId)
  if (made && pinHash === undefined) {
    throw new Refusal(
      `the database ${database} has customers with telephone numbers in ${PHONE_PREFIX} that were not generated with this seed: give the seed of the first run, or use an empty database`,
    )
  }
  return { database, customers: pinHash === undefined ? 0 : await countCustomers(client, seed), pinHash }
}

async function whoIsThere(client: pg.Client): Promise<{ database: string; others: boolean; made: boolean }> {
  const { rows } = await client.query<{ database: string; others: boolean; made: boolean }>(
    `select current_database() as database,
       exists (select from account where phone is null or phone not like $1) as others,
       exists (select from account where phone like $1) as made`,
    [`${PHONE_PREFIX}%`],
  )
  const [row] = rows
  if (row === undefined) throw new Error('a question without a condition has no answer')
  return row
}

async function pinHashOf(client: pg.Client, accountId: string): Promise<string | undefined> {
  const { rows } = await client.query<{ hash: string }>('select secret_hash as hash from account where id = $1', [
    accountId,
  ])
  return rows[0]?.hash
}

/** Places are filled in order, so that halving finds the first that is missing. The first is there. */
async function countCustomers(client: pg.Client, seed: string): Promise<number> {
  let [there, missing] = [0, MOST_CUSTOMERS]
  while (missing - there > 1) {
    const middle = Math.floor((there + missing) / 2)
    if ((await pinHashOf(client, customerAt(seed, middle).accountId)) === undefined) missing = middle
    else there = middle
  }
  return missing
}
