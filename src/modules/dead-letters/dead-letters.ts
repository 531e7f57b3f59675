import { type Broker, BrokerUnavailable, type Delivery } from '#src/ports/broker.ts'
import { headersFromReceived } from '#src/ports/message-headers.ts'
import { type DeadLetter, readLetter } from './letter.ts'

/** As deploy/server-2/rabbitmq/definitions.json names it. */
export const DEAD_LETTERS = 'dead_letters'
/** Seen in one go; the rest when these are dealt with. AMQP counts unsettled deliveries in 16 bits. */
const MOST = 50_000
/** Fewer than were counted come when somebody else holds some: this long after the last, no more are waited for. */
const QUIET_MS = 2_000

/** What to do with a letter; settling its delivery takes it out of the queue. */
type Visit = (letter: DeadLetter, delivery: Delivery) => Promise<void> | void

/**
 * Shows `visit` each letter that is there now, the oldest first. What it does not settle stays at its place. Letters
 * that arrive meanwhile are left out, so that one that dies again at once is not replayed for ever.
 *
 * @throws BrokerUnavailable, after which everything unsettled is back in the queue
 */
export async function visitDeadLetters(broker: Broker, visit: Visit): Promise<void> {
  const waiting = Math.min((await broker.countQueue(DEAD_LETTERS)).messages, MOST)
  if (waiting === 0) return
  const visits: Promise<void>[] = []
  const enough = Promise.withResolvers<void>()
  const quiet = setTimeout(enough.resolve, QUIET_MS)
  const consumer = await broker.consume(DEAD_LETTERS, { prefetch: MOST }, (delivery) => {
    if (visits.length === waiting) return
    quiet.refresh()
    visits.push(started(visit, delivery))
    if (visits.length === waiting) enough.resolve()
  })
  try {
    await Promise.race([enough.promise, consumer.ended.then(refuseEnd)])
    await Promise.all(visits)
  } finally {
    clearTimeout(quiet)
    await Promise.allSettled(visits)
    await consumer.close()
  }
}

/** A failure counts when all have begun, not before: until then nobody listens to it. */
function started(visit: Visit, delivery: Delivery): Promise<void> {
  const visited = (async () => visit(readLetter(delivery), delivery))()
  visited.catch(() => {})
  return visited
}

function refuseEnd(): never {
  throw new BrokerUnavailable('RabbitMQ broke off')
}

export interface Replay {
  readonly replayed: readonly DeadLetter[]
  readonly failed: readonly { readonly letter: DeadLetter; readonly reason: string }[]
}

/**
 * Sends each chosen letter to the queue where it died, as if it were new. It leaves the dead letters only when the
 * queue has confirmed it: a replay that is broken off may leave a letter in both places, and never in none.
 */
export async function replayDeadLetters(broker: Broker, isChosen: (letter: DeadLetter) => boolean): Promise<Replay> {
  const replayed: DeadLetter[] = []
  const failed: { letter: DeadLetter; reason: string }[] = []
  await visitDeadLetters(broker, async (letter, delivery) => {
    if (!isChosen(letter)) return
    try {
      await sendBack(broker, letter, delivery)
      replayed.push(letter)
    } catch (error) {
      failed.push({ letter, reason: error instanceof Error ? error.message : String(error) })
    }
  })
  return { replayed, failed }
}

async function sendBack(broker: Broker, { queue }: DeadLetter, delivery: Delivery): Promise<void> {
  if (queue === undefined) throw new Error('it does not say where it died')
  const { properties, body } = delivery
  const headers = headersFromReceived(delivery.headers)
  const alive = Object.fromEntries(Object.entries(headers).filter(([name]) => !/^x-(first-|last-)?death/.test(name)))
  // By way of the default exchange, as a task of its own is sent; refused when the queue is gone.
  await broker.publish({ exchange: '', routingKey: queue, properties, headers: alive, body }, { mandatory: true })
  delivery.ack()
}

/** Forgets the chosen letters for good. */
export async function dropDeadLetters(broker: Broker, ids: ReadonlySet<string>): Promise<DeadLetter[]> {
  const dropped: DeadLetter[] = []
  await visitDeadLetters(broker, (letter, delivery) => {
    if (!ids.has(letter.id)) return
    delivery.ack()
    dropped.push(letter)
  })
  return dropped
}
