import type { Db } from '#src/database/database.ts'
import type { ReceivedMessage } from '#src/simulators/fcm/received.ts'
import type { Accepted } from './load.ts'

/** What was promised, beside what FCM received and what the database says. */
export interface Reckoning {
  /** Notifications answered with 202, and the pushes that they promise. */
  readonly accepted: number
  readonly promised: number
  /** Pushes that FCM has, each counted once. */
  readonly sent: number
  /** Promised, and FCM never had them. */
  readonly lost: readonly string[]
  /** Pushes that FCM received more than once. */
  readonly duplicated: number
  /** Of these, those of which the database does not say that an earlier outcome was unknown. */
  readonly unexplained: readonly string[]
  /** Anything else that should not be, in words. */
  readonly unexpected: readonly string[]
}

interface DeliveryRow {
  readonly state: string
  readonly maybeDuplicate: boolean
}

export async function reckon(
  db: Db,
  { accepted, refused }: { readonly accepted: readonly Accepted[]; readonly refused: readonly string[] },
  received: readonly ReceivedMessage[],
): Promise<Reckoning> {
  const [times, deliveries] = [timesReceived(received), await deliveriesOf(db)]
  const promised = new Set(accepted.flatMap(({ id, people }) => people.map(({ target }) => pushKey(id, target))))
  const duplicated = [...times].filter(([, count]) => count > 1).map(([key]) => key)
  const notSent = [...promised].filter((key) => deliveries.get(key)?.state !== 'sent')
  return {
    accepted: accepted.length,
    promised: promised.size,
    sent: times.size,
    lost: [...promised].filter((key) => !times.has(key)),
    duplicated: duplicated.length,
    unexplained: duplicated.filter((key) => deliveries.get(key)?.maybeDuplicate !== true),
    unexpected: [
      ...refused,
      ...[...times.keys()].filter((key) => !promised.has(key)).map((key) => `pushed, but never accepted: ${key}`),
      ...notSent.map((key) => `${deliveries.get(key)?.state ?? 'missing'} in the database: ${key}`),
      ...(await notDone(db)),
    ],
  }
}

/** Everything promised has ended, one way or another. */
export async function isQuiet(db: Db): Promise<boolean> {
  const open = await db
    .selectFrom('notification')
    .select('id')
    .where('state', 'in', ['queued', 'sending'])
    .limit(1)
    .execute()
  return open.length === 0
}

function pushKey(notificationId: string, target: string): string {
  return `${notificationId} ${target}`
}

function timesReceived(received: readonly ReceivedMessage[]): Map<string, number> {
  const times = new Map<string, number>()
  for (const { body, target, outcome } of received) {
    if (outcome !== 'sent') continue
    const { message } = JSON.parse(body) as { message: { data: Record<string, string> } }
    const key = pushKey(message.data['notification_id'] ?? '', target)
    times.set(key, (times.get(key) ?? 0) + 1)
  }
  return times
}

async function deliveriesOf(db: Db): Promise<ReadonlyMap<string, DeliveryRow>> {
  const rows = await db
    .selectFrom('delivery as x')
    .innerJoin('device as d', 'd.id', 'x.device_id')
    .select(['x.notification_id', 'd.target', 'x.state', 'x.maybe_duplicate'])
    .execute()
  return new Map(
    rows.map(({ notification_id, target, state, maybe_duplicate }) => [
      pushKey(notification_id, target ?? ''),
      { state, maybeDuplicate: maybe_duplicate },
    ]),
  )
}

async function notDone(db: Db): Promise<string[]> {
  const rows = await db.selectFrom('notification').select(['id', 'state']).where('state', '<>', 'done').execute()
  return rows.map(({ id, state }) => `${state} in the end: ${id}`)
}
