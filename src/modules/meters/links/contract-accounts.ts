import type { Db } from '#src/database/database.ts'
import { httpErrors } from '#src/http/errors.ts'
import type { CustomerSource } from '#src/ports/customer-source.ts'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import { meterErrors } from '../errors.ts'

export interface ContractAccount {
  readonly number: string
  /** Of the caller's own link; null where there is none, or one that ended: it can be added. */
  readonly state: 'pending' | 'accepted' | null
}

export interface ContractAccountParts {
  readonly db: Db
  /** Undefined when not configured: it is unavailable. */
  readonly customers: CustomerSource | undefined
}

/** The contract accounts that the utility has under the account's own phone, in order: what its owner may want to add. */
export async function contractAccountsOf(
  { db, customers }: ContractAccountParts,
  accountId: string,
): Promise<ContractAccount[]> {
  const account = await db.selectFrom('account').select('phone').where('id', '=', accountId).executeTakeFirst()
  if (account?.phone == null) throw httpErrors.notFound()
  const numbers = await numbersOf(customers, account.phone)
  if (numbers.length === 0) return []
  const links = await db
    .selectFrom('meter')
    .innerJoin('meter_link', 'meter_link.meter_id', 'meter.id')
    .select(['meter.number', 'meter_link.state'])
    .where('meter.kind', '=', 'postpaid')
    .where('meter.number', 'in', numbers)
    .where('meter_link.account_id', '=', accountId)
    .execute()
  const states = new Map(links.map((link) => [link.number, link.state]))
  return numbers.map((number) => {
    const state = states.get(number)
    return { number, state: state === 'pending' || state === 'accepted' ? state : null }
  })
}

async function numbersOf(customers: CustomerSource | undefined, phone: string): Promise<string[]> {
  try {
    if (customers === undefined) throw new SourceUnavailable('not_configured')
    return await customers.contractAccounts(phone)
  } catch (error) {
    if (!(error instanceof SourceUnavailable)) throw error
    throw meterErrors.customersUnavailable({ cause: error, retryAfterSeconds: 5 })
  }
}
