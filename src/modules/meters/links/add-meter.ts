import { AppError } from '#src/core/errors.ts'
import type { Tx } from '#src/database/database.ts'
import { httpErrors } from '#src/http/errors.ts'
import type { IssuedCode, OneTimeCodes } from '#src/modules/one-time-codes/one-time-codes.ts'
import { meterErrors } from '../errors.ts'
import { type Awaits, awaitsWhat } from './awaits.ts'
import type { LinkParts } from './link-parts.ts'
import { tell } from './notices.ts'
import {
  type Link,
  linkOf,
  lockMeter,
  type LockedMeter,
  lockPeople,
  openRequest,
  ownerLink,
  type Person,
} from './link-rows.ts'
import { agencyNamed } from './source-agency.ts'
import { type AskedMeter, checkSupply, forgiveChecks, type Supply, takeBackCheck } from './supply-check.ts'

export interface AddedMeter {
  readonly meter: LockedMeter
  readonly role: Link['role']
  readonly state: 'pending' | 'accepted'
  readonly awaits: Awaits
  /** Something was asked for that had not been asked before. */
  readonly isNew: boolean
  readonly code?: { readonly sentTo: string; readonly expiresAt: Date; readonly resendAt: Date }
}

const DAY_MS = 24 * 3_600_000
/** Requests of one account that wait, or were made within a day and did not end well: each is a message to somebody. */
const MAX_REQUESTS = 10
const ASK_AGAIN_AFTER_MS = DAY_MS

/**
 * Whoever has the phone that the utility has for the supply may become its owner, once a code has proven the phone;
 * anybody else asks the owner, or while nobody owns it the agency.
 */
export async function addMeter(parts: LinkParts, accountId: string, asked: AskedMeter): Promise<AddedMeter> {
  const { supply, wasNamed } = await checkSupply(parts, accountId, asked)
  const adding = parts.db.transaction().execute((tx) => addIn(tx, parts, accountId, supply))
  const { code, ...added } = await adding.catch(async (error: unknown) => {
    if (!wasNamed && isAboutItsCode(error)) await takeBackCheck(parts, accountId)
    throw error
  })
  parts.kick()
  if (!wasNamed) await forgiveChecks(parts, accountId)
  if (code === undefined) return added
  await parts.codes.deliver(code)
  return { ...added, code: { sentTo: code.phone, expiresAt: code.expiresAt, resendAt: code.resendAt } }
}

/** Only whoever has the phone of the supply gets as far as a code: the number was no guess, though no code was due. */
function isAboutItsCode(error: unknown): boolean {
  return error instanceof AppError && error.code.startsWith('one-time-codes/')
}

type Added = Omit<AddedMeter, 'code'> & { readonly code?: IssuedCode }

async function addIn(tx: Tx, parts: LinkParts, accountId: string, supply: Supply): Promise<Added> {
  const at = new Date(parts.clock())
  const meter = await storedMeter(tx, supply)
  const ownerId = (await ownerLink(tx, meter.id))?.account_id
  const people = await lockPeople(tx, ownerId === undefined ? [accountId] : [accountId, ownerId])
  const person = people.find(({ id }) => id === accountId)
  if (person === undefined) throw httpErrors.notFound()
  const own = await linkOf(tx, meter.id, accountId)
  const asking = { tx, meter, person, own, at }
  if (ownerId === undefined && person.phone !== null && supply.phones.includes(person.phone)) {
    return claim(asking, person.phone, parts.codes)
  }
  if (own?.state === 'accepted') throw meterErrors.alreadyLinked()
  return askToSee(
    asking,
    people.find(({ id }) => id === ownerId),
  )
}

interface Asking {
  readonly tx: Tx
  readonly meter: LockedMeter
  readonly person: Person
  /** What there was before. */
  readonly own: Link | undefined
  readonly at: Date
}

/** Somebody with whom the meter is shared goes on seeing it while the code is awaited. */
async function claim({ tx, meter, person, own, at }: Asking, phone: string, codes: OneTimeCodes): Promise<Added> {
  const isShared = own?.state === 'accepted'
  if (!isShared) {
    if (own?.state !== 'pending') await refuseTooMany(tx, person.id, at)
    await openRequest(tx, { meterId: meter.id, accountId: person.id, role: 'owner', at })
  }
  const subject = { accountId: person.id, purpose: 'meter_owner', subjectId: meter.id } as const
  const code = await codes.issue(tx, subject, phone, person.language)
  const [role, state] = isShared ? (['shared', 'accepted'] as const) : (['owner', 'pending'] as const)
  return { meter, role, state, awaits: 'code', isNew: own?.state !== 'pending' && !isShared, code }
}

async function askToSee({ tx, meter, person, own, at }: Asking, owner: Person | undefined): Promise<Added> {
  const facts = { hasOwner: owner !== undefined, hasAgency: meter.agency_id !== null }
  const pending = { role: 'shared', state: 'pending' } as const
  const added = { meter, ...pending, awaits: awaitsWhat({ ...pending, ...facts }) }
  if (own?.state === 'pending' && own.role === 'shared') return { ...added, isNew: false }
  refuseTooSoon(own, at)
  if (own?.state !== 'pending') await refuseTooMany(tx, person.id, at)
  await openRequest(tx, { meterId: meter.id, accountId: person.id, role: 'shared', at })
  const link = await linkOf(tx, meter.id, person.id)
  if (owner !== undefined && link !== undefined) {
    await tell(tx, [owner], { kind: 'asked', who: person, link }, meter, at)
  }
  return { ...added, isNew: true }
}

function refuseTooSoon(own: Link | undefined, at: Date): void {
  if (own?.role !== 'shared' || own.decided_at === null) return
  const waitMs = own.decided_at.getTime() + ASK_AGAIN_AFTER_MS - at.getTime()
  if (waitMs > 0) throw meterErrors.askedTooSoon({ retryAfterSeconds: Math.ceil(waitMs / 1_000) })
}

async function refuseTooMany(tx: Tx, accountId: string, at: Date): Promise<void> {
  const { count } = await tx
    .selectFrom('meter_link')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('account_id', '=', accountId)
    .where('state', '<>', 'accepted')
    .where((eb) => eb.or([eb('state', '=', 'pending'), eb('asked_at', '>', new Date(at.getTime() - DAY_MS))]))
    .executeTakeFirstOrThrow()
  if (count >= MAX_REQUESTS) throw meterErrors.tooManyRequests()
}

/** The meter's row, locked; made where it is new, and completed by what the register knows. */
async function storedMeter(tx: Tx, { kind, number, police, agencyName, tariffClass }: Supply): Promise<LockedMeter> {
  const agencyId = await agencyNamed(tx, agencyName)
  await tx
    .insertInto('meter')
    .values({ kind, number, police, agency_id: agencyId, tariff_class: tariffClass })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const { id } = await tx
    .selectFrom('meter')
    .select('id')
    .where('kind', '=', kind)
    .where('number', '=', number)
    .where('police', 'is not distinct from', police)
    .executeTakeFirstOrThrow()
  const meter = await lockMeter(tx, id)
  if (meter === undefined) throw httpErrors.notFound()
  const agency_id = meter.agency_id ?? agencyId
  const tariff_class = meter.tariff_class ?? tariffClass
  if (agency_id === meter.agency_id && tariff_class === meter.tariff_class) return meter
  await tx.updateTable('meter').set({ agency_id, tariff_class }).where('id', '=', id).execute()
  return { ...meter, agency_id, tariff_class }
}
