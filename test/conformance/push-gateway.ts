import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { suite, test } from 'node:test'
import { type Push, type PushGateway, PushGatewayUnusable, type PushOutcome } from '#src/ports/push-gateway.ts'

export interface PushGatewayUnderTest {
  /** Closed by the suite. */
  readonly gateway: PushGateway
  /** What reached the provider and was accepted, for a target. */
  readonly accepted: (target: string) => Promise<{ messageId: string; title: string; urgency: 'high' | 'normal' }[]>
  /** A target that fails in this way, whenever it is sent to. */
  readonly targetThat: (fate: 'is_dead' | 'is_refused' | 'is_to_be_retried') => string
  readonly close: () => Promise<void>
}

export function pushTo(value: string, more: Partial<Push> = {}): Push {
  const target = { kind: 'token', value } as const
  const message = { messageId: randomUUID(), title: 'Coupure', body: 'À 9 h', data: {} }
  return { ...message, target, urgency: 'high', ttlMs: 3_600_000, lane: 'bulk', ...more }
}

/** What every push gateway must do. */
export function pushGatewayConformance(name: string, open: () => Promise<PushGatewayUnderTest>): void {
  const withGateway = (run: (subject: PushGatewayUnderTest) => Promise<void>) => async () => {
    const subject = await open()
    try {
      await run(subject)
    } finally {
      await subject.gateway[Symbol.asyncDispose]()
      await subject.close()
    }
  }

  suite(`push gateway: ${name}`, () => {
    test(
      'hands a push to the provider as it is, by token and by installation id',
      withGateway(async ({ gateway, accepted }) => {
        for (const kind of ['token', 'fid'] as const) {
          const push = pushTo('', { target: { kind, value: `device-${kind}` }, urgency: 'normal', title: 'Ñdakaaru ☀' })
          const outcome = await gateway.send(push)
          assert.equal(outcome.state, 'sent')
          assert.notEqual(outcome.state === 'sent' && outcome.providerId, '')
          const expected = [{ messageId: push.messageId, title: push.title, urgency: push.urgency }]
          assert.deepEqual(await accepted(`device-${kind}`), expected)
        }
      }),
    )

    test(
      'a failed push is a value that says what to do',
      withGateway(async ({ gateway, targetThat }) => {
        const outcomeOf = (fate: Parameters<typeof targetThat>[0]) => gateway.send(pushTo(targetThat(fate)))
        assert.equal((await outcomeOf('is_dead')).state, 'dead_target')
        assert.equal((await outcomeOf('is_refused')).state, 'refused')
        const later = await outcomeOf('is_to_be_retried')
        assert.equal(later.state, 'retry')
        assert.ok(later.state === 'retry' && later.afterMs >= 10_000)
      }),
    )

    test(
      'many pushes at once each have their own outcome',
      withGateway(async ({ gateway, targetThat }) => {
        const dead = targetThat('is_dead')
        const targets = Array.from({ length: 600 }, (_, at) => (at % 3 === 0 ? dead : `device-${at}`))
        const outcomes = await Promise.all(targets.map((target) => gateway.send(pushTo(target))))
        const expected = targets.map((target): PushOutcome['state'] => (target === dead ? 'dead_target' : 'sent'))
        assert.deepEqual(
          outcomes.map(({ state }) => state),
          expected,
        )
        const ids = outcomes.flatMap((outcome) => (outcome.state === 'sent' ? [outcome.providerId] : []))
        assert.equal(new Set(ids).size, ids.length)
      }),
    )

    test(
      'an aborted push is an outcome, and nothing was sent',
      withGateway(async ({ gateway, accepted }) => {
        const outcome = await gateway.send(pushTo('aborted'), AbortSignal.abort())
        assert.equal(outcome.state, 'retry')
        assert.equal(outcome.state === 'retry' && outcome.maybeSent, false)
        assert.deepEqual(await accepted('aborted'), [])
      }),
    )

    test(
      'after closing, twice even, it says that it cannot be used',
      withGateway(async ({ gateway }) => {
        await gateway.send(pushTo('before'))
        await gateway[Symbol.asyncDispose]()
        await gateway[Symbol.asyncDispose]()
        await assert.rejects(
          gateway.send(pushTo('after')),
          (error) => error instanceof PushGatewayUnusable && error.reason === 'closed',
        )
      }),
    )
  })
}
