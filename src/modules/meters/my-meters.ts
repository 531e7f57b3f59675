import { sql } from 'kysely'
import { jsonObjectFrom } from 'kysely/helpers/postgres'
import { isUuid } from '#src/core/uuid.ts'
import type { Db } from '#src/database/database.ts'
import { decodeCursor, encodeCursor, isMoment } from '#src/http/cursor.ts'
import { httpErrors } from '#src/http/errors.ts'
import { awaitsWhat } from './links/awaits.ts'

export interface PageAsked {
  readonly cursor: string | undefined
  readonly limit: number
}

/**
 * One page of the meters that the user owns or was let see, or has asked for; oldest link first. Of a pending one
 * nothing is told that the user did not know.
 */
export async function myMeters(db: Db, accountId: string, state: 'pending' | 'accepted', page: PageAsked) {
  const place = page.cursor === undefined ? undefined : placeOf(page.cursor)
  let query = db
    .selectFrom('meter_link as link')
    .innerJoin('meter', 'meter.id', 'link.meter_id')
    .leftJoin('agency', 'agency.id', 'meter.agency_id')
    .select((eb) => [
      'meter.id',
      'meter.number',
      'meter.kind',
      'meter.agency_id',
      'link.role',
      'link.is_default',
      'meter.tariff_class',
      'meter.phase',
      'agency.code as agency_code',
      'agency.name as agency_name',
      // To the microsecond: a Date would lose the digits that tell two links apart.
      sql<string>`to_char(link.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`.as('linked_at'),
      jsonObjectFrom(
        eb
          .selectFrom('meter_link as owning')
          .innerJoin('account as owner', 'owner.id', 'owning.account_id')
          .select(['owner.first_name', 'owner.last_name'])
          .whereRef('owning.meter_id', '=', 'link.meter_id')
          .where('owning.role', '=', 'owner')
          .where('owning.state', '=', 'accepted')
          .where('link.role', '=', 'shared'),
      ).as('owner'),
    ])
    .where('link.account_id', '=', accountId)
    .where('link.state', '=', state)
    .orderBy('link.created_at')
    .orderBy('meter.id')
    .limit(page.limit + 1)
  if (place !== undefined) {
    query = query.where(sql<boolean>`(link.created_at, meter.id) > (${place.linkedAt}::timestamptz, ${place.id}::uuid)`)
  }
  const rows = await query.execute()
  const kept = rows.slice(0, page.limit)
  const last = rows.length > page.limit ? kept.at(-1) : undefined
  return {
    items: kept.map((row) => itemOf(row, state)),
    next_cursor: last === undefined ? null : encodeCursor([last.linked_at, last.id]),
  }
}

interface Row {
  readonly id: string
  readonly number: string
  readonly kind: 'prepaid' | 'postpaid'
  readonly role: 'owner' | 'shared'
  readonly is_default: boolean
  readonly tariff_class: 'DPP' | 'PPP' | 'DMP' | 'PMP' | null
  readonly phase: 'single' | 'three' | null
  readonly agency_id: string | null
  readonly agency_code: string | null
  readonly agency_name: string | null
  readonly owner: { readonly first_name: string; readonly last_name: string } | null
}

function itemOf(row: Row, state: 'pending' | 'accepted') {
  const { id, number, kind, role, is_default, agency_code: code, agency_name: name, owner } = row
  const known = { id, number, kind, role, state, is_default }
  if (state === 'pending') {
    const awaits = awaitsWhat({ state, role, hasOwner: owner !== null, hasAgency: row.agency_id !== null })
    return { ...known, awaits, tariff_class: null, phase: null, agency: null, shared_by: null }
  }
  const { tariff_class, phase } = row
  const agency = code === null || name === null ? null : { code, name }
  return { ...known, awaits: null, tariff_class, phase, agency, shared_by: owner }
}

const BEYOND_MILLISECONDS = /(?<=\.\d{3})\d{3}(?=Z$)/

function placeOf(cursor: string): { linkedAt: string; id: string } {
  const [linkedAt = '', id = ''] = decodeCursor(cursor, 2)
  if (!isMoment(linkedAt.replace(BEYOND_MILLISECONDS, '')) || !isUuid(id)) throw httpErrors.invalidCursor()
  return { linkedAt, id }
}
