import { type RawBuilder, sql } from 'kysely'

/** A place in the inbox, which is ordered by time and, within a millisecond, by id. */
export interface Place {
  readonly at: Date
  readonly id: string
}

/** The older first. */
export function inInboxOrder(a: Place, b: Place): number {
  const byTime = a.at.getTime() - b.at.getTime()
  if (byTime !== 0) return byTime
  return a.id < b.id ? -1 : 1
}

/**
 * What was cancelled before its sending began is shown to nobody; of anything else somebody may have got a push, and
 * finds it in the inbox. In the words of the indexes `notification_broadcast_shown` and `notification_withdrawn`, which
 * serve these very conditions.
 */
export const SHOWN = sql`(
  n.state <> 'cancelled' or n.first_sent_at is not null or n.fanned_out_through is not null or n.fanned_out_at is not null
)`
const WITHDRAWN = sql`(
  n.state = 'cancelled' and n.first_sent_at is null and n.fanned_out_through is null and n.fanned_out_at is null
)`

export interface Visible {
  /** The account, as a parameter or as a column of what is around. */
  readonly account: RawBuilder<unknown>
  readonly now: Date
  readonly unreadOnly: boolean
  /** Of each kind of message, so that none is walked through further than the page goes; all without. */
  readonly page?: VisiblePage
}

export interface VisiblePage {
  readonly order: 'newest first' | 'oldest first'
  readonly limit: number
  /** Those that come after this place in the order. */
  readonly after?: { readonly at: RawBuilder<unknown>; readonly id: RawBuilder<unknown> }
}

/**
 * The messages that an account sees: `id, visible_at, read_at, is_broadcast`, at most a page of each of three kinds,
 * which the caller sorts and cuts. Personal ones are listed by recipient. A broadcast is one row: to a customer it is
 * there when it is for everyone, or for an agency that one of the customer's meters belongs to, and no older than the
 * account. Each kind has an index in the order of the inbox.
 */
export function visibleMessages(asked: Visible): RawBuilder<unknown> {
  const { account } = asked
  const customer = sql`customer.id = ${account} and customer.role = 'customer' and customer.disabled_at is null`
  return sql`
    ${personal(asked)}
    union all
    (select b.id, b.visible_at, b.read_at, true
    from account customer
    cross join lateral (${broadcasts(asked, sql`n.agency_id is null`)}) b
    where ${customer})
    union all
    (select b.id, b.visible_at, b.read_at, true
    from account customer
    cross join lateral (${agenciesOf(sql`customer.id`)}) g
    cross join lateral (${broadcasts(asked, sql`n.agency_id = g.agency_id`)}) b
    where ${customer})`
}

function personal({ account, now, unreadOnly, page }: Visible): RawBuilder<unknown> {
  return sql`
    (select r.notification_id as id, r.visible_at, r.read_at, false as is_broadcast
    from notification_recipient r
    where r.account_id = ${account} and r.visible_at <= ${now}::timestamptz
      ${unreadOnly ? sql`and r.read_at is null` : sql``}
      ${page === undefined ? sql`` : after(page, sql`r.visible_at`, sql`r.notification_id`)}
      and not exists (select from notification n where n.id = r.notification_id and ${WITHDRAWN})
    ${page === undefined ? sql`` : inOrder(page, sql`r.visible_at`, sql`r.notification_id`)})`
}

/** Of the `customer` around, to one `agency`. Who has read them is looked up for the page alone, where that is enough. */
function broadcasts({ now, unreadOnly, page }: Visible, agency: RawBuilder<unknown>): RawBuilder<unknown> {
  const receipt = sql`x.account_id = customer.id and x.notification_id = n.id`
  const found = sql`
    select n.id, n.visible_at, null::timestamptz as read_at
    from notification n
    where n.is_broadcast and ${SHOWN} and ${agency}
      and n.visible_at >= customer.created_at and n.visible_at <= ${now}::timestamptz
      ${unreadOnly ? sql`and not exists (select from notification_receipt x where ${receipt})` : sql``}
      ${page === undefined ? sql`` : after(page, sql`n.visible_at`, sql`n.id`)}
    ${page === undefined ? sql`` : inOrder(page, sql`n.visible_at`, sql`n.id`)}`
  if (unreadOnly) return found
  return sql`select n.id, n.visible_at, x.read_at from (${found}) n left join notification_receipt x on ${receipt}`
}

/** The agencies whose broadcasts are for this customer. */
function agenciesOf(account: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    select distinct m.agency_id from meter_link l join meter m on m.id = l.meter_id
    where l.account_id = ${account} and l.state = 'accepted' and m.agency_id is not null`
}

function after({ order, after: place }: VisiblePage, at: RawBuilder<unknown>, id: RawBuilder<unknown>) {
  if (place === undefined) return sql``
  const comes = order === 'newest first' ? sql`<` : sql`>`
  return sql`and (${at}, ${id}) ${comes} (${place.at}::timestamptz, ${place.id}::uuid)`
}

export function inOrder(
  { order, limit }: Pick<VisiblePage, 'order' | 'limit'>,
  at: RawBuilder<unknown>,
  id: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const direction = order === 'newest first' ? sql`desc` : sql`asc`
  return sql`order by ${at} ${direction}, ${id} ${direction} limit ${limit}`
}

/** How many of the visible messages are unread. */
export function unreadCount(account: RawBuilder<unknown>, now: Date): RawBuilder<unknown> {
  return sql`(select count(*) from (${visibleMessages({ account, now, unreadOnly: true })}) unread)`
}
