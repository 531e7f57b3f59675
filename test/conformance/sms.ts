import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type ShortMessage, type Sms, SmsUnavailable } from '#src/ports/sms.ts'

export interface SmsUnderTest {
  readonly sms: Sms
  /** What arrived so far, in order. */
  readonly received: () => readonly ShortMessage[]
  /** From here on no message leaves. */
  readonly fail: () => void
}

/** What every way of sending short messages must do. */
export function smsConformance(name: string, open: () => SmsUnderTest): void {
  suite(`sms: ${name}`, () => {
    test('a message arrives as it is, accents and all', async () => {
      const { sms, received } = open()
      const message = { to: '+221770000001', text: 'Votre code est 012345: à vous, été.' }
      await sms.send(message)
      assert.deepEqual(received(), [message])
    })

    test('many at once arrive whole, each once', async () => {
      const { sms, received } = open()
      const messages = Array.from({ length: 50 }, (_, place) => ({
        to: `+2217700000${10 + place}`,
        text: `n° ${place}`,
      }))
      await Promise.all(messages.map((message) => sms.send(message)))
      assert.deepEqual(
        received().toSorted((a, b) => (a.to < b.to ? -1 : 1)),
        messages,
      )
    })

    test('one that does not leave is said so, without its text', async () => {
      const { sms, received, fail } = open()
      fail()
      const error: unknown = await sms.send({ to: '+221770000001', text: 'secret 123456' }).catch((thrown) => thrown)
      assert.ok(error instanceof SmsUnavailable)
      assert.doesNotMatch(`${error.message} ${String(error.cause)} ${error.stack}`, /123456/)
      assert.deepEqual(received(), [])
    })
  })
}
