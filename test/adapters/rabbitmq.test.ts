import { after } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { rabbitmqBroker } from '#src/adapters/broker/rabbitmq.ts'
import { createLogger } from '#src/core/logger.ts'
import { systemTimers } from '#src/core/timers.ts'
import type { Broker } from '#src/ports/broker.ts'
import { brokerConformance } from '#test/conformance/broker.ts'
import { rabbitmqHost } from '#test/support/shared-rabbitmq.ts'
import { TcpInterposer } from '#test/support/tcp-interposer.ts'

const server = await rabbitmqHost()
const serverPort = Number(new URL(server.url).port)
/** Each connection has a wire of its own that can be cut. */
const wires = new Map<Broker, { port: number; wire: TcpInterposer }>()

after(async () => {
  for (const { wire } of wires.values()) await wire[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

brokerConformance('RabbitMQ', () =>
  Promise.resolve({
    connect: async () => {
      const wire = await TcpInterposer.start(serverPort)
      const { port } = wire
      const url = Object.assign(new URL(server.url), { port }).href
      const broker = rabbitmqBroker({ url, log: createLogger('silent'), name: 'conformance', timers: systemTimers })
      wires.set(broker, { port, wire })
      await broker.connected()
      return broker
    },
    passTime: (ms) => delay(ms),
    drop: async (connection) => {
      await wires.get(connection)?.wire[Symbol.asyncDispose]()
      while (connection.isConnected) await delay(1)
    },
    restore: async (connection) => {
      const { port } = wires.get(connection)!
      wires.set(connection, { port, wire: await TcpInterposer.start(serverPort, port) })
    },
  }),
)
