import { type SelectQueryBuilder, sql } from 'kysely'
import type { Actor } from '#src/core/actor.ts'
import type { Db } from '#src/database/database.ts'
import type { Schema } from '#src/database/schema.ts'
import type { MeterLinkTable } from '#src/database/tables/meters.ts'
import type { AccountTable } from '#src/database/tables/accounts.ts'
import { decodeCursor, encodeCursor, isMoment } from '#src/http/cursor.ts'
import { httpErrors } from '#src/http/errors.ts'
import { isUuid } from '#src/core/uuid.ts'
import type { PageAsked } from '../my-meters.ts'
import type { LinkState } from './states.ts'
import { maskPhone } from './masked-phone.ts'

/** One page of those who see the meter or ask to, the oldest request first; those that ended only when asked for. */
export async function sharesOf(db: Db, meterId: string, state: LinkState | undefined, page: PageAsked) {
  const states: readonly LinkState[] = state === undefined ? ['pending', 'accepted'] : [state]
  const query = selectShares(db).where('link.meter_id', '=', meterId).where('link.state', 'in', states)
  const { rows, nextCursor } = await pageOf(query, page)
  return { items: rows.map(toShare), next_cursor: nextCursor }
}

/** One page of the requests that an agent's agency is to validate, or for an admin any: for meters that nobody owns. */
export async function waitingLinks(db: Db, actor: Actor, page: PageAsked) {
  const waiting = selectShares(db)
    .where('link.state', '=', 'pending')
    .innerJoin('meter', 'meter.id', 'link.meter_id')
    .select(['meter.id as meterId', 'meter.number', 'meter.kind'])
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('meter_link as owning')
            .select('owning.id')
            .whereRef('owning.meter_id', '=', 'link.meter_id')
            .where('owning.role', '=', 'owner')
            .where('owning.state', '=', 'accepted'),
        ),
      ),
    )
  const inReach =
    actor.role === 'admin'
      ? waiting
      : waiting
          .innerJoin('account as agent', 'agent.agency_id', 'meter.agency_id')
          .where('agent.id', '=', actor.accountId)
  const { rows, nextCursor } = await pageOf(inReach, page)
  const items = rows.map(({ meterId: id, number, kind, ...share }) => ({
    ...toShare(share),
    meter: { id, number, kind },
  }))
  return { items, next_cursor: nextCursor }
}

function selectShares(db: Db) {
  return db
    .selectFrom('meter_link as link')
    .innerJoin('account', 'account.id', 'link.account_id')
    .select(['link.id', 'link.state', 'link.asked_at', 'link.decided_at'])
    .select(['account.first_name', 'account.last_name', 'account.phone'])
    .where('link.role', '=', 'shared')
}

interface ShareRow {
  readonly id: string
  readonly state: LinkState
  readonly asked_at: Date
  readonly decided_at: Date | null
  readonly first_name: string
  readonly last_name: string
  readonly phone: string | null
}

function toShare({ asked_at: askedAt, decided_at: decidedAt, first_name, last_name, phone, id, state }: ShareRow) {
  return {
    id,
    state,
    asked_at: askedAt.toISOString(),
    decided_at: decidedAt?.toISOString() ?? null,
    user: { first_name, last_name, phone: phone === null ? null : maskPhone(phone) },
  }
}

type Tables = Schema & { link: MeterLinkTable; account: AccountTable }

async function pageOf<T extends keyof Tables, Row extends ShareRow>(
  query: SelectQueryBuilder<Tables, T | 'link' | 'account', Row>,
  { cursor, limit }: PageAsked,
): Promise<{ rows: Row[]; nextCursor: string | null }> {
  const place = cursor === undefined ? undefined : placeOf(cursor)
  const after =
    place === undefined
      ? query
      : query.where(sql<boolean>`(link.asked_at, link.id) > (${place.askedAt}::timestamptz, ${place.id}::uuid)`)
  const rows = await after
    .orderBy(sql`link.asked_at`)
    .orderBy(sql`link.id`)
    .limit(limit + 1)
    .execute()
  const last = rows.length > limit ? rows[limit - 1] : undefined
  const nextCursor = last === undefined ? null : encodeCursor([last.asked_at.toISOString(), last.id])
  return { rows: rows.slice(0, limit), nextCursor }
}

function placeOf(cursor: string): { askedAt: Date; id: string } {
  const [time = '', id = ''] = decodeCursor(cursor, 2)
  if (!isMoment(time) || !isUuid(id)) throw httpErrors.invalidCursor()
  return { askedAt: new Date(time), id }
}
