import { type Broker, BrokerRefused, type Delivery, type OutgoingMessage } from '#src/ports/broker.ts'

export interface BrokerUnderTest {
  /** A new connection to one and the same broker; all are closed by the suite. */
  readonly connect: () => Promise<Broker>
  /** Makes the broker's clock advance; a real one simply waits. */
  readonly passTime: (ms: number) => Promise<void>
  /** Breaks a connection from outside; `restore` lets it come back. */
  readonly drop: (connection: Broker) => Promise<void>
  readonly restore: (connection: Broker) => Promise<void>
}

export interface Bench extends BrokerUnderTest {
  readonly broker: Broker
  /** A prefix of this test's own names, so that a shared server serves. */
  readonly name: string
}

export function textMessage(routingKey: string, text: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return { exchange: '', routingKey, properties: { deliveryMode: 2 }, headers: {}, body: Buffer.from(text), ...more }
}

export function refusedWith(code: number) {
  return (error: unknown): boolean => error instanceof BrokerRefused && error.code === code
}

/** Collects deliveries and lets a test wait for the n-th. */
export class Inbox {
  readonly deliveries: Delivery[] = []
  readonly #waiting = new Map<number, () => void>()

  readonly receive = (delivery: Delivery): void => {
    this.deliveries.push(delivery)
    this.#waiting.get(this.deliveries.length)?.()
  }

  get texts(): string[] {
    return this.deliveries.map((delivery) => delivery.body.toString())
  }

  async has(count: number): Promise<Delivery[]> {
    if (this.deliveries.length < count) await new Promise<void>((resolve) => this.#waiting.set(count, resolve))
    return this.deliveries
  }
}

/** Lets time pass, so much at once, until it is so: a broker's own timers may be late. */
export async function passUntil({ passTime }: Bench, stepMs: number, isSo: () => Promise<boolean>): Promise<void> {
  for (let step = 0; step < MOST_STEPS && !(await isSo()); step += 1) await passTime(stepMs)
}

const MOST_STEPS = 60

export async function fill(broker: Broker, queue: string, texts: readonly string[]): Promise<void> {
  await broker.declareQueue({ name: queue })
  for (const text of texts) await broker.publish(textMessage(queue, text))
}
