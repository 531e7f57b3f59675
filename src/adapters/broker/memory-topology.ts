import {
  BrokerRefused,
  type ExchangeDeclaration,
  type OutgoingMessage,
  type QueueDeclaration,
} from '#src/ports/broker.ts'
import type { Timers } from '#src/core/timers.ts'
import type { QueuedMessage } from './memory-backlog.ts'
import { deathHeaders, goesInCircles } from './memory-death.ts'
import { MemoryExchange } from './memory-exchange.ts'
import { MemoryQueue, type QueueOwner } from './memory-queue.ts'

/** What this broker does with a queue's arguments. Any other is refused, rather than ignored in silence. */
const KNOWN_ARGUMENTS: ReadonlySet<string> = new Set([
  'x-message-ttl',
  'x-expires',
  'x-dead-letter-exchange',
  'x-dead-letter-routing-key',
])

/** The exchanges and queues of a broker inside the process, and the way of a message through them. */
export class MemoryTopology implements QueueOwner {
  readonly #timers: Timers
  readonly #exchanges = new Map<string, MemoryExchange>()
  readonly #queues = new Map<string, MemoryQueue>()

  constructor(timers: Timers) {
    this.#timers = timers
  }

  declareExchange(declaration: ExchangeDeclaration): void {
    const there = this.#exchanges.get(declaration.name)
    if (there === undefined) {
      this.#exchanges.set(declaration.name, new MemoryExchange(declaration))
    } else if (!isSameExchange(there.declaration, declaration)) {
      throw new BrokerRefused(406, `exchange ${declaration.name} is there, and different`)
    }
  }

  declareQueue(declaration: QueueDeclaration, by: object): MemoryQueue {
    const there = this.#queues.get(declaration.name)
    if (there !== undefined) {
      this.queue(declaration.name, by).touch()
      if (!isSameQueue(there.declaration, declaration)) {
        throw new BrokerRefused(406, `queue ${declaration.name} is there, and different`)
      }
      return there
    }
    const unknown = Object.keys(declaration.arguments ?? {}).find((name) => !KNOWN_ARGUMENTS.has(name))
    if (unknown !== undefined) throw new BrokerRefused(540, `the memory broker has no ${unknown}`)
    const queue = new MemoryQueue(declaration, declaration.exclusive === true ? by : undefined, this, this.#timers)
    this.#queues.set(declaration.name, queue)
    return queue
  }

  /** @throws BrokerRefused when it is not there, or another's */
  queue(name: string, by: object): MemoryQueue {
    const queue = this.#queues.get(name)
    if (queue === undefined) throw new BrokerRefused(404, `there is no queue ${name}`)
    if (queue.heldBy !== undefined && queue.heldBy !== by) throw new BrokerRefused(405, `queue ${name} is another's`)
    return queue
  }

  bindQueue(name: string, exchange: string, routingKey: string): void {
    this.#exchange(exchange).bind(name, routingKey)
  }

  deleteQueue(name: string): void {
    const queue = this.#queues.get(name)
    if (queue === undefined) return
    this.#queues.delete(name)
    for (const [exchangeName, exchange] of this.#exchanges) {
      if (exchange.unbind(name) && exchange.declaration.autoDelete === true) this.#exchanges.delete(exchangeName)
    }
    queue.delete()
  }

  deleteQueuesHeldBy(holder: object): void {
    for (const queue of this.#queues.values()) {
      if (queue.heldBy === holder) this.deleteQueue(queue.declaration.name)
    }
  }

  /** False when no queue took it. */
  route(message: OutgoingMessage): boolean {
    const targets = this.#targets(message.exchange, message.routingKey)
    for (const queue of targets) queue.push(message)
    return targets.length > 0
  }

  deadLetter(queue: MemoryQueue, message: QueuedMessage, reason: 'rejected' | 'expired'): void {
    const exchange = queue.declaration.arguments?.['x-dead-letter-exchange']
    if (typeof exchange !== 'string' || (exchange !== '' && !this.#exchanges.has(exchange))) return
    const newKey = queue.declaration.arguments?.['x-dead-letter-routing-key']
    const routingKey = typeof newKey === 'string' ? newKey : message.routingKey
    const { expiration: _spent, ...properties } = message.properties
    const headers = deathHeaders(message, queue.declaration.name, reason)
    for (const target of this.#targets(exchange, routingKey)) {
      if (goesInCircles(headers, target.declaration.name)) continue
      target.push({ exchange, routingKey, properties, headers, body: message.body })
    }
  }

  #targets(exchange: string, routingKey: string): MemoryQueue[] {
    const names = exchange === '' ? [routingKey] : this.#exchange(exchange).route(routingKey)
    return names.map((name) => this.#queues.get(name)).filter((queue) => queue !== undefined)
  }

  #exchange(name: string): MemoryExchange {
    const exchange = this.#exchanges.get(name)
    if (exchange === undefined) throw new BrokerRefused(404, `there is no exchange ${name}`)
    return exchange
  }
}

function isSameExchange(a: ExchangeDeclaration, b: ExchangeDeclaration): boolean {
  return (
    a.type === b.type &&
    (a.durable ?? true) === (b.durable ?? true) &&
    (a.autoDelete ?? false) === (b.autoDelete ?? false)
  )
}

function isSameQueue(a: QueueDeclaration, b: QueueDeclaration): boolean {
  const [wanted, there] = [Object.entries(a.arguments ?? {}), b.arguments ?? {}]
  return (
    (a.durable ?? true) === (b.durable ?? true) &&
    (a.exclusive ?? false) === (b.exclusive ?? false) &&
    (a.autoDelete ?? false) === (b.autoDelete ?? false) &&
    wanted.length === Object.keys(there).length &&
    wanted.every(([name, value]) => there[name] === value)
  )
}
