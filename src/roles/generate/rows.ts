import { copyText } from '#src/database/copy-in.ts'
import { type Customer, customerAt, pickAt } from './customer.ts'
import { CONTRACT_ACCOUNT, type Household, type Households, POLICE, PREPAID_NUMBER } from './households.ts'

/** What every row is made from. */
export interface RowParts {
  readonly seed: string
  readonly households: Households
  readonly agencyIds: readonly string[]
  readonly pinHash: string
  /** As of when everything is known. */
  readonly now: string
  readonly hasHistory: boolean
}

/** The rows of one table, for COPY. */
export interface Rows {
  readonly table: string
  readonly columns: string
  readonly lines: Iterable<string>
}

interface Supplied extends Customer {
  readonly agencyId: string
  readonly supply: Household
}

/** Every row of the customers from place `from` to before `to`, a table after those that it refers to. */
export function customerRows(parts: RowParts, from: number, to: number): Rows[] {
  const { pinHash, now } = parts
  const supplied = Array.from({ length: to - from }, (_, step) => suppliedAt(parts, from + step))
  // In the order of the index that the rows go into, which is then written page by page.
  const byAccount = supplied.toSorted((a, b) => (a.accountId < b.accountId ? -1 : 1))
  const byMeter = supplied.toSorted((a, b) => (a.meterId < b.meterId ? -1 : 1))
  const known = [entryRows(byMeter), monthRows(byMeter), stateRows(byMeter, now)]
  return [
    accountRows(byAccount, pinHash, now),
    deviceRows(byAccount, now),
    meterRows(byMeter, now),
    linkRows(byMeter, now),
    ...(parts.hasHistory ? known : []),
  ]
}

function suppliedAt({ seed, agencyIds, households }: RowParts, place: number): Supplied {
  const customer = customerAt(seed, place)
  return {
    ...customer,
    agencyId: pickAt(agencyIds, customer.agency),
    supply: pickAt(households[customer.kind], customer.household),
  }
}

function line(...columns: readonly (string | null)[]): string {
  return `${columns.map(copyText).join('\t')}\n`
}

function accountRows(customers: readonly Supplied[], pinHash: string, now: string): Rows {
  return {
    table: 'account',
    columns: 'id, role, phone, secret_hash, first_name, last_name, language, created_at, updated_at',
    lines: customers
      .values()
      .map((one) =>
        line(one.accountId, 'customer', one.phone, pinHash, one.firstName, one.lastName, one.language, now, now),
      ),
  }
}

function deviceRows(customers: readonly Supplied[], now: string): Rows {
  return {
    table: 'device',
    columns:
      'id, account_id, installation_id, platform, target_kind, target, target_renewed_at, created_at, last_seen_at',
    lines: customers
      .values()
      .map((one) =>
        line(one.deviceId, one.accountId, one.deviceId, one.platform, 'token', one.pushTarget, now, now, now),
      ),
  }
}

function meterRows(customers: readonly Supplied[], now: string): Rows {
  return {
    table: 'meter',
    columns: 'id, kind, number, police, agency_id, tariff_class, phase, created_at',
    lines: customers.values().map(({ meterId, kind, tail, agencyId, supply }) => {
      const isPrepaid = kind === 'prepaid'
      const number = `${isPrepaid ? PREPAID_NUMBER : CONTRACT_ACCOUNT}${tail}`
      const police = isPrepaid ? `${POLICE}${tail}` : null
      return line(meterId, kind, number, police, agencyId, supply.tariffClass, supply.phase, now)
    }),
  }
}

function linkRows(customers: readonly Supplied[], now: string): Rows {
  return {
    table: 'meter_link',
    columns: 'id, meter_id, account_id, role, state, is_default, created_at, asked_at, decided_at',
    lines: customers
      .values()
      .map((one) => line(one.linkId, one.meterId, one.accountId, 'owner', 'accepted', 'true', now, now, now)),
  }
}

/** Year by year, so that one partition is filled after the other. */
function entryRows(customers: readonly Supplied[]): Rows {
  return {
    table: 'consumption_entry',
    columns: 'meter_id, day, source_key, occurred_at, energy_kwh, amount_xof, delivered, fetched_at',
    lines: entryLines(customers),
  }
}

function* entryLines(customers: readonly Supplied[]): Generator<string> {
  const years = new Set(customers.flatMap(({ supply }) => [...supply.linesByYear.keys()]))
  for (const year of [...years].toSorted()) {
    for (const { meterId, tail, supply } of customers) {
      for (const pieces of supply.linesByYear.get(year) ?? []) yield meterId + pieces.join(tail)
    }
  }
}

/** As the product keeps them beside the entries. */
function monthRows(customers: readonly Supplied[]): Rows {
  return {
    table: 'consumption_month',
    columns: 'meter_id, month, energy_kwh, amount_xof, entries',
    lines: customers.values().flatMap(({ meterId, supply }) => supply.monthLines.map((sums) => meterId + sums)),
  }
}

function stateRows(customers: readonly Supplied[], now: string): Rows {
  return {
    table: 'meter_reading_state',
    columns: 'meter_id, read_at, whole_history_at, has_months',
    lines: customers.values().map(({ meterId }) => line(meterId, now, now, 'true')),
  }
}
