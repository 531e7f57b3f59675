import { sql } from 'kysely'
import type { Db } from '#src/database/database.ts'
import type { Meter } from '#src/modules/meters/linked-meters.ts'

export interface ActiveMetersAsked {
  readonly kind: Meter['kind']
  /** Whose account or device was seen since then. */
  readonly seenSince: Date
  /** Last read before then, or never. */
  readonly readBefore: Date
  /** Asked before each page: there may be many before the first with somebody. */
  readonly goesOn: () => boolean
}

/** What is looked at for a page, whether anybody was seen or not, so that none costs more where there are more customers. */
const PAGE = 200
/** Nearly all have been read, and cost no more than that look. */
const NEVER_READ_PAGE = 2_000
/** Among so many that were not read for longest there is one that somebody looks at, or the refresh is off. */
const STALEST = 1_000

const FIRST_ID = '00000000-0000-0000-0000-000000000000'

/**
 * The meters that somebody who was seen of late looks at: first those that were never read, then the stalest first.
 * What is found on the way to have nobody is put aside as idle.
 */
export async function* activeMeters(db: Db, asked: ActiveMetersAsked): AsyncGenerator<Meter> {
  yield* paged(FIRST_ID, asked, (after) => neverReadPage(db, asked, after))
  yield* paged<Place>({ readAt: '-infinity', id: FIRST_ID }, asked, (after) => stalestPage(db, asked, after))
}

async function* paged<End>(
  start: End,
  { goesOn }: ActiveMetersAsked,
  pageAfter: (place: End) => Promise<Page<End>>,
): AsyncGenerator<Meter> {
  let after: End | undefined = start
  while (after !== undefined && goesOn()) {
    const page: Page<End> = await pageAfter(after)
    yield* page.meters
    after = page.end
  }
}

interface Page<End> {
  readonly meters: readonly Meter[]
  /** Where the next page begins; undefined when there is none. */
  readonly end: End | undefined
}

async function neverReadPage(db: Db, { kind, seenSince }: ActiveMetersAsked, after: string): Promise<Page<string>> {
  const { rows } = await sql<{ page_end: string; meter: Meter | null }>`
    with page as materialized (select id from meter where id > ${after}::uuid order by id limit ${NEVER_READ_PAGE})
    select page_end.id as page_end, never_read.meter
    from (select id from page order by id desc limit 1) page_end
    left join (
      select meter.id, json_build_object('id', meter.id, 'kind', kind, 'number', number, 'police', police) as meter
      from page join meter using (id)
      where kind = ${kind} and not exists (select from meter_reading_state where meter_id = page.id)
        and ${isSeenSince(seenSince)}
    ) never_read on true
    order by never_read.id`.execute(db)
  return { meters: rows.flatMap(({ meter }) => meter ?? []), end: rows[0]?.page_end }
}

/** As text, which has the microseconds that a Date would lose: the next page must not begin with the last row of this one. */
interface Place {
  readonly readAt: string
  readonly id: string
}

async function stalestPage(db: Db, asked: ActiveMetersAsked, after: Place): Promise<Page<Place>> {
  const { rows } = await sql<Meter & { place: string; is_seen: boolean }>`
    with page as materialized (
      select meter_id, read_at from meter_reading_state
      where not is_idle and read_at < ${asked.readBefore}
        and (read_at, meter_id) > (${after.readAt}::timestamptz, ${after.id}::uuid)
      order by read_at, meter_id limit ${PAGE})
    select id, kind, number, police, page.read_at::text as place, ${isSeenSince(asked.seenSince)} as is_seen
    from page join meter on id = meter_id
    order by page.read_at, id`.execute(db)
  const idle = rows.filter((row) => !row.is_seen)
  if (idle.length > 0) await putAside(db, idle, asked.readBefore)
  const last = rows.at(-1)
  return {
    meters: rows
      .filter((row) => row.is_seen && row.kind === asked.kind)
      .map(({ place: _place, is_seen: _isSeen, ...meter }) => meter),
    end: last && { readAt: last.place, id: last.id },
  }
}

/** Not one that was read since, because somebody has come to look. */
async function putAside(db: Db, idle: readonly Meter[], readBefore: Date): Promise<void> {
  const ids = idle.map((meter) => meter.id)
  await db
    .updateTable('meter_reading_state')
    .set({ is_idle: true })
    .where('meter_id', '=', sql<string>`any(${ids}::uuid[])`)
    .where('read_at', '<', readBefore)
    .execute()
}

/** When the stalest active meter was last read, of those that were; undefined when none is found among the stalest. */
export async function stalestActive(db: Db, seenSince: Date): Promise<Date | undefined> {
  const { rows } = await sql<{ read_at: Date }>`
    with page as materialized (
      select meter_id, read_at from meter_reading_state where not is_idle order by read_at, meter_id limit ${STALEST})
    select page.read_at from page join meter on id = meter_id
    where ${isSeenSince(seenSince)}
    order by page.read_at limit 1`.execute(db)
  return rows[0]?.read_at
}

/** A device is noted once a day while it is in use; who has none is seen when logging in. */
function isSeenSince(since: Date) {
  return sql<boolean>`exists (
    select from meter_link
    where meter_link.meter_id = meter.id and meter_link.state = 'accepted' and (
      exists (select from device where device.account_id = meter_link.account_id and last_seen_at >= ${since})
      or exists (
        select from session
        where session.account_id = meter_link.account_id and ended_at is null and created_at >= ${since})))`
}
