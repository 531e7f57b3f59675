import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import type { Env } from '#src/config/load.ts'
import { accountErrors } from '#src/modules/accounts/errors.ts'
import { hashSecret, isAcceptablePin } from '#src/modules/accounts/secrets.ts'
import { Refusal } from './command.ts'
import { customerAt, MOST_CUSTOMERS } from './generate/customer.ts'
import { bytesNeeded, freeBytes, gib, refuseTooLarge } from './generate/disk-room.ts'
import { fillCustomers } from './generate/fill.ts'
import { lookAtDatabase, type Present } from './generate/present.ts'
import { withClient } from './generate/with-client.ts'
import { readSecret } from './secret-input.ts'
import { directDatabaseUrl } from './with-database.ts'

const MOST_MONTHS = 120
const TABLES = 'account, device, meter, meter_link, consumption_entry, consumption_month, meter_reading_state'

export async function run(args: readonly string[], env: Env): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      customers: { type: 'string' },
      months: { type: 'string', default: '36' },
      seed: { type: 'string', default: 'samaconso' },
      'pin-file': { type: 'string' },
      'yes-fill': { type: 'string' },
    },
  })
  const customers = wholeNumber('--customers', values.customers ?? '', 1, MOST_CUSTOMERS)
  const months = wholeNumber('--months', values.months, 0, MOST_MONTHS)
  const { seed } = values
  const url = await directDatabaseUrl(env)
  const present = await withClient(url, async (client) => {
    const found = await lookAtDatabase(client, seed, values['yes-fill'])
    const needed = bytesNeeded(Math.max(0, customers - found.customers), months)
    const free = await freeBytes(client)
    if (free === undefined) tell(`the disk of this database cannot be seen from here; it needs ${gib(needed)}`)
    else refuseTooLarge(needed, free)
    return found
  })
  const secret = await secretFor(present, values['pin-file'])
  const { rows, elapsedMs } = await fill(url, { customers, months, seed, until: new Date(), ...secret }, present)
  tell(`${count(rows)} rows in ${(elapsedMs / 1_000).toFixed(1)} s: ${count((rows / elapsedMs) * 1_000)} rows/s`)
  const [first, last] = [0, customers - 1].map((place) => customerAt(seed, place).phone)
  process.stdout.write(`customers ${first} to ${last}; all have one PIN, ${secret.told}\n`)
  return 0
}

type Order = Parameters<typeof fillCustomers>[1]

async function fill(url: string, order: Order, { customers: there }: Present) {
  if (there > 0) tell(`${count(there)} customers are there already`)
  const startedAt = performance.now()
  const rows = await fillCustomers(url, order, there, (place, filled) => {
    const perSecond = (filled / (performance.now() - startedAt)) * 1_000
    tell(`${count(place)} of ${count(order.customers)} customers, ${count(perSecond)} rows/s`)
  })
  const elapsedMs = performance.now() - startedAt
  // Without these figures the planner takes the tables for empty.
  await withClient(url, (client) => client.query(`analyze ${TABLES}`))
  return { rows, elapsedMs }
}

/** Those who are there keep theirs. A PIN that nobody gives is drawn: a known one could end up in a real database. */
async function secretFor(
  { pinHash }: Present,
  pinFile: string | undefined,
): Promise<{ pinHash: string; told: string }> {
  if (pinHash !== undefined) {
    if (pinFile !== undefined) throw new Refusal('customers are there already and keep their PIN: leave out --pin-file')
    return { pinHash, told: 'that of the first run' }
  }
  const pin = pinFile === undefined ? drawnPin() : await readSecret(pinFile, 'PIN')
  if (!isAcceptablePin(pin)) throw accountErrors.weakSecret()
  return { pinHash: await hashSecret(pin), told: pinFile === undefined ? pin : 'that of --pin-file' }
}

function drawnPin(): string {
  for (;;) {
    const pin = String(randomInt(1_000_000)).padStart(6, '0')
    if (isAcceptablePin(pin)) return pin
  }
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  throw new Refusal(`generate needs ${option}, a whole number from ${least} to ${most}`)
}

function tell(line: string): void {
  process.stderr.write(`generate: ${line}\n`)
}

const count = (value: number): string => Math.round(value).toLocaleString('en-US')
