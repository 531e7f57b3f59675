import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { createLogger } from '#src/core/logger.ts'
import { type Db, openDatabase } from '#src/database/database.ts'
import { WATCHED_PREFIX } from './fcm-process.ts'

/** One customer with one phone, made from a number alone by PostgreSQL and here alike. */
export interface Inhabitant {
  readonly accountId: string
  readonly deviceId: string
  readonly pushToken: string
}

/** The first ones: FCM keeps what they get. */
export const WATCHED = 100

/** As long as the tokens that FCM hands out, and ids in no order, as random ones are. */
export function inhabitantAt(place: number): Inhabitant {
  const target = md5(`target ${place}`)
  return {
    accountId: asUuid(md5(`account ${place}`)),
    deviceId: asUuid(md5(`device ${place}`)),
    pushToken: `${place < WATCHED ? WATCHED_PREFIX : 'bench-'}${place}:${target.repeat(4)}`,
  }
}

const INSERT_LIMIT_MS = 600_000

/** Makes inhabitants `first` to `through`, past PgBouncer. */
export async function insertPopulation(databaseUrl: string, first: number, through: number): Promise<void> {
  const log = createLogger('warn', process.stderr)
  const database = openDatabase({ url: databaseUrl, log, statementTimeoutMs: INSERT_LIMIT_MS })
  try {
    await insert(database.db, first, through)
  } finally {
    await database.close()
  }
}

async function insert(db: Db, first: number, through: number): Promise<void> {
  const places = sql`generate_series(${first}::integer, ${through}::integer) place`
  await sql`
    insert into account (id, role, phone, secret_hash, first_name)
    select md5('account ' || place)::uuid, 'customer', '+2217' || lpad(place::text, 8, '0'), 'nobody logs in', 'Awa'
    from ${places}`.execute(db)
  await sql`
    insert into device (id, account_id, installation_id, platform, target_kind, target, target_renewed_at)
    select md5('device ' || place)::uuid, md5('account ' || place)::uuid, 'installation-' || place, 'android', 'token',
      case when place < ${WATCHED} then ${WATCHED_PREFIX} else 'bench-' end || place || ':' || repeat(md5('target ' || place), 4), now()
    from ${places}`.execute(db)
  // As it would have come about by itself, so that it does not while something is measured.
  await sql`vacuum analyze account, device`.execute(db)
  await sql`checkpoint`.execute(db)
}

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')

const asUuid = (hex: string): string => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
