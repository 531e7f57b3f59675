import { sql } from 'kysely'
import type { Db } from '#src/database/database.ts'
import type { Meter } from '#src/modules/meters/linked-meters.ts'

/** A meter that somebody who was seen of late looks at, with its place in the line. */
export interface ActiveMeter extends Meter {
  /** When it was last read; undefined when it never was. */
  readonly readAt: Date | undefined
}

export interface ActiveMetersAsked {
  readonly kind: Meter['kind']
  /** Whose account or device was seen since then. */
  readonly seenSince: Date
  /** Last read before then, or never. */
  readonly readBefore: Date
  /** The last one of the page before. */
  readonly after: ActiveMeter | undefined
  readonly limit: number
}

const NEVER = new Date(0)
/** To the millisecond, as a Date says it: the next page must not begin with the last row of this one. */
const LAST_READ = sql`date_trunc('milliseconds', coalesce(read_at, ${NEVER}))`

/** The stalest first. */
export async function activeMeters(db: Db, asked: ActiveMetersAsked): Promise<ActiveMeter[]> {
  const { kind, seenSince, readBefore, after, limit } = asked
  const last = after === undefined ? sql`` : sql`and (${LAST_READ}, id) > (${after.readAt ?? NEVER}, ${after.id}::uuid)`
  const { rows } = await sql<Meter & { read_at: Date | null }>`
    select id, kind, number, police, read_at
    from meter left join meter_reading_state on meter_id = id
    where kind = ${kind} and (read_at is null or read_at < ${readBefore}) ${last} and ${isSeenSince(seenSince)}
    order by ${LAST_READ}, id
    limit ${limit}`.execute(db)
  return rows.map(({ read_at: readAt, ...meter }) => ({ ...meter, readAt: readAt ?? undefined }))
}

/** When the stalest active meter was last read, of those that were; undefined when there is none. */
export async function stalestActive(db: Db, seenSince: Date): Promise<Date | undefined> {
  const { rows } = await sql<{ read_at: Date | null }>`
    select min(read_at) as read_at from meter join meter_reading_state on meter_id = id
    where ${isSeenSince(seenSince)}`.execute(db)
  return rows[0]?.read_at ?? undefined
}

/** A device is noted once a day while it is in use; who has none is seen when logging in. */
function isSeenSince(since: Date) {
  return sql`exists (
    select from meter_link
    where meter_link.meter_id = meter.id and meter_link.state = 'accepted' and (
      exists (select from device where device.account_id = meter_link.account_id and last_seen_at >= ${since})
      or exists (select from session where session.account_id = meter_link.account_id and created_at >= ${since})))`
}
