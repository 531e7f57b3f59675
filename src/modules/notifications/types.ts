import type { Bilingual } from '#src/core/errors.ts'

/** What is fixed for all notifications of one type. */
export interface NotificationType {
  /** As the app shows it on the page of preferences. */
  readonly label: Bilingual
  /** How long FCM keeps it for a telephone that is off: past this it would be no news, or wrong. */
  readonly ttlMs: number
  /** False for what its reader must learn of, such as a changed PIN. */
  readonly isMuteable: boolean
  /** The page that a tap opens, with names of `data` in braces; the message itself where one of them is missing. */
  readonly link?: string
  /**
   * Only for the state of one thing, of which the latest message makes the earlier ones wrong. FCM lets 20 collapsible
   * messages through to one device and then one in three minutes, and keeps only four keys waiting for it.
   */
  readonly collapse?: string
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export const TYPE_NAMES = [
  'outage',
  'outage_over',
  'bill',
  'purchase',
  'consumption_alert',
  'meter_share',
  'account',
  'general',
] as const
export type TypeName = (typeof TYPE_NAMES)[number]

export const NOTIFICATION_TYPES: Readonly<Record<TypeName, NotificationType>> = {
  outage: {
    label: { fr: 'Coupures et travaux', en: 'Outages and works' },
    ttlMs: DAY_MS,
    isMuteable: true,
    link: 'outages/{outage_id}',
    collapse: 'outage-{outage_id}',
  },
  outage_over: {
    label: { fr: 'Retour du courant', en: 'Power restored' },
    ttlMs: 6 * HOUR_MS,
    isMuteable: true,
    link: 'outages/{outage_id}',
    collapse: 'outage-{outage_id}',
  },
  bill: {
    label: { fr: 'Factures', en: 'Bills' },
    ttlMs: 14 * DAY_MS,
    isMuteable: true,
    link: 'meters/{meter_id}/bills',
  },
  purchase: {
    label: { fr: 'Recharges Woyofal', en: 'Woyofal purchases' },
    ttlMs: 3 * DAY_MS,
    isMuteable: true,
    link: 'meters/{meter_id}/purchases',
  },
  consumption_alert: {
    label: { fr: 'Alertes de consommation', en: 'Consumption alerts' },
    ttlMs: DAY_MS,
    isMuteable: true,
    link: 'meters/{meter_id}/consumption',
    collapse: 'consumption-{meter_id}',
  },
  meter_share: {
    label: { fr: 'Partages de compteur', en: 'Meter shares' },
    ttlMs: 7 * DAY_MS,
    isMuteable: true,
    link: 'meters/shares',
  },
  account: {
    label: { fr: 'Compte et sécurité', en: 'Account and security' },
    ttlMs: 7 * DAY_MS,
    isMuteable: false,
    link: 'account',
  },
  general: {
    label: { fr: 'Autres informations', en: 'Other news' },
    ttlMs: 7 * DAY_MS,
    isMuteable: true,
  },
}

/** A sender's own type behaves as `general`. */
export function knownType(type: string): TypeName {
  return TYPE_NAMES.find((name) => name === type) ?? 'general'
}

/** How one notification leaves, whichever device it is for. */
export interface Delivered {
  readonly ttlMs: number
  readonly collapseKey?: string
  readonly link: string
}

export interface DeliveredOf {
  readonly notificationId: string
  readonly data: Readonly<Record<string, string>>
}

export function delivered(type: string, { notificationId, data }: DeliveredOf): Delivered {
  const { ttlMs, link, collapse } = NOTIFICATION_TYPES[knownType(type)]
  const page = filled(link, data) ?? `notifications/${notificationId}`
  const collapseKey = filled(collapse, data)
  return {
    ttlMs,
    link: `${SCHEME}${page}`,
    ...(collapseKey === undefined ? {} : { collapseKey }),
  }
}

/** The app's own, registered with both systems. */
const SCHEME = 'samaconso://'
const MAX_ID_LENGTH = 40
/** What needs no escaping in an address, and is short enough for Apple's 64 bytes of a collapse key. */
const ID = new RegExp(`^[A-Za-z0-9_-]{1,${MAX_ID_LENGTH}}$`)
const PLACE = /\{(\w+)\}/g

/** Undefined when a name of the template is not in `data`, or not in the form of an id. */
function filled(template: string | undefined, data: Readonly<Record<string, string>>): string | undefined {
  if (template === undefined) return undefined
  let isWhole = true
  const text = template.replaceAll(PLACE, (_place, name: string) => {
    const value = Object.hasOwn(data, name) ? (data[name] ?? '') : ''
    isWhole &&= ID.test(value)
    return value
  })
  return isWhole ? text : undefined
}

/** Of any notification: what the payload must keep free for its link. */
export const LONGEST_LINK_BYTES = Math.max(
  ...[...Object.values(NOTIFICATION_TYPES).map(({ link = '' }) => link), 'notifications/{id}'].map(
    (template) => SCHEME.length + template.replaceAll(PLACE, 'x'.repeat(MAX_ID_LENGTH)).length,
  ),
)
