import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { BusListener, EventBus } from '#src/ports/event-bus.ts'

export interface EventBusUnderTest {
  /** Closed by the suite. */
  readonly bus: EventBus
  /** The same bus as another process has it. */
  readonly peer: EventBus
}

/** Notes what it hears, and lets a test wait for it. */
export class Ear implements BusListener {
  readonly events: string[] = []
  timesListening = 0
  readonly #changed = new Set<() => void>()

  onEvent(payload: string): void {
    this.events.push(payload)
    this.#tell()
  }

  onListening(): void {
    this.timesListening += 1
    this.#tell()
  }

  async until(isSo: (ear: this) => boolean): Promise<void> {
    while (!isSo(this)) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#changed.add(resolve)
      await promise
    }
  }

  listening(times = 1): Promise<void> {
    return this.until(() => this.timesListening >= times)
  }

  heard(...events: readonly string[]): Promise<void> {
    return this.until(() => events.every((event) => this.events.includes(event)))
  }

  #tell(): void {
    for (const resolve of this.#changed) resolve()
    this.#changed.clear()
  }
}

/** What every event bus must do. Channels are chosen fresh, so that a shared server serves. */
export function eventBusConformance(name: string, open: () => Promise<EventBusUnderTest>): void {
  const withBus = (run: (subject: EventBusUnderTest, channel: string) => Promise<void>) => async () => {
    const subject = await open()
    try {
      await run(subject, `conformance:${crypto.randomUUID()}`)
    } finally {
      await subject.peer[Symbol.asyncDispose]()
      await subject.bus[Symbol.asyncDispose]()
    }
  }

  suite(`event bus: ${name}`, () => {
    test(
      'everyone who listens hears an event once, the publisher too, and in order',
      withBus(async ({ bus, peer }, channel) => {
        const [own, second, others] = [new Ear(), new Ear(), new Ear()]
        bus.subscribe(channel, own)
        bus.subscribe(channel, second)
        peer.subscribe(channel, others)
        await Promise.all([own.listening(), second.listening(), others.listening()])
        const sent = Array.from({ length: 50 }, (_, n) => `event ${n}`)
        for (const event of sent) await bus.publish(channel, event)
        for (const ear of [own, second, others]) {
          await ear.heard('event 49')
          assert.deepEqual(ear.events, sent)
        }
      }),
    )

    test(
      'an event arrives exactly as it was sent',
      withBus(async ({ bus, peer }, channel) => {
        const ear = new Ear()
        peer.subscribe(channel, ear)
        await ear.listening()
        for (const event of ['', 'Sénégal ☀ 😀', '{"a":"\\u0000"}', 'y'.repeat(100_000)]) {
          await bus.publish(channel, event)
          await ear.heard(event)
        }
        assert.equal(ear.events.length, 4)
      }),
    )

    test(
      'one channel does not hear another, and an event for nobody is lost in peace',
      withBus(async ({ bus }, channel) => {
        const ear = new Ear()
        bus.subscribe(channel, ear)
        await ear.listening()
        await bus.publish(`${channel}:other`, 'not for you')
        await bus.publish(channel, 'for you')
        await ear.heard('for you')
        assert.deepEqual(ear.events, ['for you'])
      }),
    )

    test(
      'who has ended its subscription hears nothing more; the others do',
      withBus(async ({ bus }, channel) => {
        const [gone, there] = [new Ear(), new Ear()]
        const subscription = bus.subscribe(channel, gone)
        bus.subscribe(channel, there)
        await Promise.all([gone.listening(), there.listening()])
        subscription[Symbol.dispose]()
        subscription[Symbol.dispose]()
        await bus.publish(channel, 'late')
        await there.heard('late')
        assert.deepEqual(gone.events, [])
      }),
    )

    test(
      'a later subscription on the same channel is told that it listens as well',
      withBus(async ({ bus }, channel) => {
        const [first, later] = [new Ear(), new Ear()]
        bus.subscribe(channel, first)
        await first.listening()
        bus.subscribe(channel, later)
        await later.listening()
        assert.equal(first.timesListening, 1)
      }),
    )

    test(
      'a listener that fails keeps nobody else from hearing',
      withBus(async ({ bus }, channel) => {
        const ear = new Ear()
        const fails = (): never => {
          throw new Error('a fault of the listener')
        }
        bus.subscribe(channel, { onEvent: fails, onListening: fails })
        bus.subscribe(channel, ear)
        await ear.listening()
        await bus.publish(channel, 'one')
        await bus.publish(channel, 'two')
        await ear.heard('two')
        assert.deepEqual(ear.events, ['one', 'two'])
      }),
    )

    test(
      'closed, it takes what is published and tells nobody',
      withBus(async ({ bus, peer }, channel) => {
        const [own, others] = [new Ear(), new Ear()]
        bus.subscribe(channel, own)
        peer.subscribe(channel, others)
        await Promise.all([own.listening(), others.listening()])
        await bus[Symbol.asyncDispose]()
        await bus[Symbol.asyncDispose]()
        await bus.publish(channel, 'after the end')
        assert.deepEqual(own.events, [])
      }),
    )
  })
}
