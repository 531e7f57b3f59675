import { hash } from 'node:crypto'

/** So many have telephone and meter numbers of their own: seven digits. */
export const MOST_CUSTOMERS = 10_000_000
export const PLACE_DIGITS = 7
/** The numbers of a network that has hardly any: 70 belongs to the smallest one. */
export const PHONE_PREFIX = '+22170'
const POSTPAID_SHARE = 0.25
const IOS_SHARE = 0.15
const ENGLISH_SHARE = 0.05
const FIRST_NAMES = ['Awa', 'Moussa', 'Fatou', 'Ousmane', 'Aïssatou', 'Cheikh', 'Mariama', 'Ibrahima', 'Ndèye', 'Modou']
const LAST_NAMES = ['Ndiaye', 'Diop', 'Fall', 'Sow', 'Ba', 'Sarr', 'Faye', 'Guèye', 'Diallo', 'Mbaye']

/** A made-up customer with one telephone and one meter, each with its id. */
export interface Customer {
  readonly accountId: string
  readonly deviceId: string
  readonly meterId: string
  readonly linkId: string
  readonly phone: string
  /** Seven digits that nobody else has: what telephone, meter and order numbers end in. */
  readonly tail: string
  readonly firstName: string
  readonly lastName: string
  readonly language: 'fr' | 'en'
  readonly platform: 'android' | 'ios'
  readonly pushTarget: string
  readonly kind: 'prepaid' | 'postpaid'
  /** Uniform in [0, 1): which household's history this one has, and which agency. */
  readonly household: number
  readonly agency: number
}

/** The same for the same seed and place, whoever else is made: places can be filled now or later. */
export function customerAt(seed: string, place: number): Customer {
  const digest = hash('sha512', `${seed} ${place}`, 'hex')
  // Beyond the four ids: each share is drawn from digits that no other one uses.
  const shares = hash('sha256', digest, 'hex')
  const share = (at: number): number => Number.parseInt(shares.slice(at * 6, at * 6 + 6), 16) / 2 ** 24
  const tail = String(place).padStart(PLACE_DIGITS, '0')
  return {
    accountId: uuidOf(digest, 0),
    deviceId: uuidOf(digest, 1),
    meterId: uuidOf(digest, 2),
    linkId: uuidOf(digest, 3),
    phone: `${PHONE_PREFIX}${tail}`,
    tail,
    firstName: pickAt(FIRST_NAMES, share(0)),
    lastName: pickAt(LAST_NAMES, share(1)),
    language: share(2) < ENGLISH_SHARE ? 'en' : 'fr',
    platform: share(3) < IOS_SHARE ? 'ios' : 'android',
    // As long as Firebase's own.
    pushTarget: `${shares.slice(0, 22)}:APA91b${digest}`,
    kind: share(4) < POSTPAID_SHARE ? 'postpaid' : 'prepaid',
    household: share(5),
    agency: share(6),
  }
}

export function seededUuid(seed: string, name: string): string {
  return uuidOf(hash('sha512', `${seed} ${name}`, 'hex'), 0)
}

/** Spread over all ids as those of PostgreSQL are: an index does not grow at one end alone. */
function uuidOf(digest: string, place: number): string {
  const hex = digest.slice(place * 32, place * 32 + 32)
  const variant = pickAt(['8', '9', 'a', 'b'], Number.parseInt(hex.slice(16, 17), 16) / 16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`
}

/** @param share in [0, 1) */
export function pickAt<T>(list: readonly T[], share: number): T {
  const found = list[Math.floor(share * list.length)]
  if (found === undefined) throw new RangeError('nothing to pick from')
  return found
}
