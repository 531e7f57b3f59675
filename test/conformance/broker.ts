import { suite, test } from 'node:test'
import type { Broker } from '#src/ports/broker.ts'
import type { Bench, BrokerUnderTest } from './broker-bench.ts'
import * as delivery from './broker-delivery.ts'
import * as routing from './broker-routing.ts'

/** What every broker must do. */
export function brokerConformance(label: string, open: () => Promise<BrokerUnderTest>): void {
  const withBroker = (run: (bench: Bench) => Promise<void>) => async () => {
    const subject = await open()
    const connections: Broker[] = []
    const connect = async (): Promise<Broker> => {
      const connection = await subject.connect()
      connections.push(connection)
      return connection
    }
    try {
      await run({ ...subject, connect, broker: await connect(), name: `conformance-${crypto.randomUUID()}` })
    } finally {
      for (const connection of connections) await connection[Symbol.asyncDispose]()
    }
  }

  suite(`broker: ${label}`, () => {
    test('carries every property, typed header and byte', withBroker(routing.carriesEverything))
    test('the sender and the receivers share no object', withBroker(routing.sharesNothing))
    test('direct, fanout and topic exchanges route by their rules', withBroker(routing.routes))
    test('a mandatory message without a queue is refused, another is dropped', withBroker(routing.mandatory))
    test('an exchange that is not there refuses', withBroker(routing.absentExchange))
    test('declaring again is allowed when equal, refused when different', withBroker(routing.declaresAgain))
    test('an exclusive queue is refused to others and goes with its connection', withBroker(routing.exclusive))
    test('an auto-delete queue goes with its last consumer', withBroker(routing.autoDelete))
    test('prefetch bounds what is unsettled', withBroker(delivery.prefetch))
    test('a larger prefetch lets more through at once', withBroker(delivery.largerPrefetch))
    test('messages keep their order, and consumers take turns', withBroker(delivery.takesTurns))
    test('a requeued message comes back to its place, marked', withBroker(delivery.requeues))
    test('stop ends deliveries and lets those out be settled', withBroker(delivery.stops))
    test('close gives everything unsettled back in order', withBroker(delivery.closes))
    test('a delivery is settled once', withBroker(delivery.settlesOnce))
    test('noAck settles when it sends', withBroker(delivery.noAck))
    test('an expired message is not delivered', withBroker(routing.expires))
    test('the queue’s own lifetime for messages counts too', withBroker(routing.queueTtl))
    test('a queue nobody uses goes after x-expires', withBroker(routing.queueExpires))
    test(
      'rejected and expired messages go to the dead-letter exchange with their history',
      withBroker(routing.deadLetters),
    )
    test('deleting a queue ends its consumers', withBroker(delivery.deletesQueue))
    test('a lost connection ends consumers, returns messages and makes acks void', withBroker(delivery.losesConnection))
    test('a closed connection refuses everything', withBroker(delivery.closedConnection))
    test('connected() waits, and can be told to stop waiting', withBroker(delivery.waitsForConnection))
    test('a deep queue stays fast', withBroker(delivery.deepQueue))
  })
}
