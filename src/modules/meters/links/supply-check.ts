import type { Clock } from '#src/core/clock.ts'
import type { AppError } from '#src/core/errors.ts'
import type { Db } from '#src/database/database.ts'
import { guardKey, loginGuard } from '#src/modules/accounts/login-guard.ts'
import { normalisePhone } from '#src/modules/accounts/phone.ts'
import type { MeterRegister, RegisteredSupply } from '#src/ports/meter-register.ts'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import { meterErrors } from '../errors.ts'

export interface AskedMeter {
  readonly kind: 'prepaid' | 'postpaid'
  /** The number on a Woyofal meter, or a contract account, as somebody typed it. */
  readonly number: string
  readonly police?: string
}

/** A supply that the utility knows. */
export interface Supply {
  readonly kind: 'prepaid' | 'postpaid'
  readonly number: string
  readonly police: string | null
  /** E.164, of those who the utility says are supplied. Empty where it has no phone, or none that can be read. */
  readonly phones: readonly string[]
  readonly agencyName: string | null
  readonly tariffClass: 'DPP' | 'PPP' | 'DMP' | 'PMP' | null
}

export interface SupplyCheckParts {
  readonly db: Db
  readonly clock: Clock
  /** Undefined when not configured: the register is unavailable. */
  readonly register: MeterRegister | undefined
}

export interface CheckedSupply {
  readonly supply: Supply
  /** The account has named it before: this look-up was not counted. */
  readonly wasNamed: boolean
}

/**
 * Looks a meter up in the utility's register. What the account has not named before is counted like a wrong PIN, and
 * before it is looked up, so that nobody finds out by trying which numbers exist; `forgiveChecks` forgets the count.
 * What it has named rightly is no guess: asked for again it neither counts nor forgives, or a number of one's own would
 * pay for guesses at those of others.
 */
export async function checkSupply(
  parts: SupplyCheckParts,
  accountId: string,
  asked: AskedMeter,
): Promise<CheckedSupply> {
  if (parts.register === undefined) throw registerProblem(new SourceUnavailable('not_configured'))
  const { kind, number: typed, police } = asked
  const named = { kind, number: normaliseNumber(kind, typed), police: police?.trim().toUpperCase() }
  const wasNamed = await hasNamed(parts.db, accountId, named)
  if (!wasNamed) await loginGuard(parts.db, parts.clock).count(checksKey(accountId))
  const rows = await ask(parts.register, kind, named.number).catch(async (error: unknown) => {
    // Nobody learned anything.
    if (!wasNamed) await takeBackCheck(parts, accountId)
    throw error instanceof SourceUnavailable ? registerProblem(error) : error
  })
  return { supply: supplyOf(rows, named), wasNamed }
}

type Guarded = Pick<SupplyCheckParts, 'db' | 'clock'>

/** The account named a meter that it may have: its earlier guesses are forgotten. */
export async function forgiveChecks({ db, clock }: Guarded, accountId: string): Promise<void> {
  await loginGuard(db, clock).forgive(checksKey(accountId))
}

/** The look-up that was counted last was no guess; those before it still count. */
export async function takeBackCheck({ db, clock }: Guarded, accountId: string): Promise<void> {
  await loginGuard(db, clock).takeBack(checksKey(accountId))
}

interface NamedMeter {
  readonly kind: AskedMeter['kind']
  readonly number: string
  readonly police: string | undefined
}

/** Whether the account has asked for a meter of that name, whatever has become of it: only one that exists is kept. */
async function hasNamed(db: Db, accountId: string, { kind, number, police }: NamedMeter): Promise<boolean> {
  const links = db
    .selectFrom('meter')
    .innerJoin('meter_link', 'meter_link.meter_id', 'meter.id')
    .select('meter_link.id')
    .where('meter.kind', '=', kind)
    .where('meter.number', '=', number)
    .where('meter_link.account_id', '=', accountId)
  const fitting = police === undefined ? links : links.where((eb) => eb(eb.fn('upper', ['meter.police']), '=', police))
  return (await fitting.limit(1).executeTakeFirst()) !== undefined
}

function checksKey(accountId: string): Buffer {
  return guardKey(`meters looked up by ${accountId}`, undefined)
}

function ask(register: MeterRegister, kind: AskedMeter['kind'], number: string): Promise<RegisteredSupply[]> {
  return kind === 'prepaid' ? register.prepaidSupplies(number) : register.postpaidSupplies(number)
}

/** Bills print a contract account with leading zeros, the register has none; a meter's number may begin with one. */
function normaliseNumber(kind: AskedMeter['kind'], text: string): string {
  const digits = text.replaceAll(/\D/g, '')
  return kind === 'postpaid' ? digits.replace(/^0+(?=\d)/, '') : digits
}

function supplyOf(rows: readonly RegisteredSupply[], { kind, number, police }: NamedMeter): Supply {
  const fitting = rows.filter((row) => police === undefined || row.police?.toUpperCase() === police)
  const [first] = fitting
  if (first === undefined) throw meterErrors.unknownNumber()
  if (fitting.some((row) => row.police !== first.police)) throw meterErrors.policeNeeded()
  const phones = fitting.flatMap(({ phone }) => (phone === null ? [] : (normalisePhone(phone) ?? [])))
  const tariffClass = fitting.map(({ tariffCode }) => classOf(tariffCode)).find((known) => known !== null) ?? null
  const agencyName = fitting.find((row) => row.agencyName !== null)?.agencyName ?? null
  return { kind, number, police: first.police, phones, agencyName, tariffClass }
}

const CLASSES = ['DPP', 'PPP', 'DMP', 'PMP'] as const

/** How the register spells its codes is not published: only one that cannot be mistaken is taken. */
function classOf(code: string | null): Supply['tariffClass'] {
  return CLASSES.find((name) => name === code?.toUpperCase()) ?? null
}

function registerProblem(error: SourceUnavailable): AppError {
  return error.reason === 'malformed'
    ? meterErrors.registerUnreadable({ cause: error })
    : meterErrors.registerUnavailable({ cause: error, retryAfterSeconds: 5 })
}
