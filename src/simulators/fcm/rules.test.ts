import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { controlHelp } from './control-help.ts'
import { BadControlRequest, readRule } from './control-shapes.ts'
import { Received } from './received.ts'
import { PREFIXES, Rules, seededRandom } from './rules.ts'

const UNAVAILABLE = { error: 'UNAVAILABLE' } as const

suite('rules', () => {
  test('the first that matches acts, until it is spent; prefixes come after', () => {
    const rules = new Rules(seededRandom(1))
    rules.add({ match: { target: 'dead-1' }, action: UNAVAILABLE, count: 2 })
    rules.add({ match: { prefix: 'dead' }, action: { hang: true }, count: 1 })
    const actions = [1, 2, 3, 4].map(() => rules.actionFor('send', 'dead-1'))
    assert.deepEqual(actions, [UNAVAILABLE, UNAVAILABLE, { hang: true }, PREFIXES['dead-']])
  })

  test('a share takes about its part, the same messages for the same seed', () => {
    const draw = (seed: number): boolean[] => {
      const rules = new Rules(seededRandom(seed))
      rules.add({ match: { share: 0.25 }, action: UNAVAILABLE })
      return Array.from({ length: 4000 }, () => rules.actionFor('send', 'any').error === 'UNAVAILABLE')
    }
    const taken = draw(7).filter(Boolean).length
    assert.ok(taken > 900 && taken < 1100, `${taken} of 4000`)
    assert.deepEqual(draw(7), draw(7))
    assert.notDeepEqual(draw(7), draw(8))
  })

  test('README and help name the prefixes that there are', () => {
    const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8')
    const rows = readme.split('\n').filter((line) => line.startsWith('| `') && line.includes('-`'))
    const documented = rows.flatMap((row) =>
      [...(row.split(' | ')[0] ?? '').matchAll(/`([a-z]+-)`/g)].map(([, name]) => name),
    )
    assert.deepEqual(documented, Object.keys(PREFIXES))
    for (const prefix of documented) assert.ok(controlHelp.includes(`  ${prefix} `), prefix)
  })

  test('a rule on the token endpoint leaves sends alone', () => {
    const rules = new Rules(seededRandom(1))
    rules.add({ match: { on: 'token' }, action: UNAVAILABLE })
    assert.deepEqual(rules.actionFor('send', 'any'), {})
    assert.deepEqual(rules.actionFor('token', ''), UNAVAILABLE)
  })

  const SENSELESS: [unknown, RegExp][] = [
    [[], /the rule must be a JSON object/],
    [{ match: {} }, /action must be a JSON object/],
    [{ action: {} }, /action is empty/],
    [{ action: { error: 'NOPE' } }, /action\.error must be one of UNREGISTERED/],
    [{ action: { reset: true, hang: true } }, /not several/],
    [{ action: { reset: false } }, /action\.reset must be true/],
    [{ action: { delay_ms: -1 } }, /action\.delay_ms must be milliseconds/],
    [{ action: { hang: true }, match: { share: 2 } }, /match\.share must be a number from 0 to 1/],
    [{ action: { hang: true }, match: { user: 'x' } }, /match has no field "user"; there is on, target/],
    [{ action: { hang: true }, count: 0 }, /count must be a whole number/],
  ]
  for (const [rule, demand] of SENSELESS) {
    test(`${JSON.stringify(rule)} is refused with what would do`, () => {
      assert.throws(
        () => readRule(rule),
        (error) => error instanceof BadControlRequest && demand.test(error.message),
      )
    })
  }
})

suite('received messages', () => {
  const message = (target: string) => ({
    id: target,
    targetKind: 'token',
    target,
    outcome: 'sent',
    receivedAtMs: 1000,
    protocol: 'h2' as const,
    body: '{}',
  })

  test('keeps the last 100,000 and counts all', () => {
    const received = new Received()
    for (let at = 1; at <= 100_010; at += 1) received.add(message(`t${at}`))
    assert.deepEqual(received.counts(), {
      total: 100_010,
      kept: 100_000,
      by_outcome: { sent: 100_010 },
      by_protocol: { h2: 100_010 },
    })
    assert.deepEqual(
      received.list({ sinceSeq: 0, limit: 1 }).map(({ target }) => target),
      ['t11'],
    )
    assert.deepEqual(
      received.list({ limit: 2 }).map(({ target }) => target),
      ['t100009', 't100010'],
    )
  })

  test('keeps fewer when they are large', () => {
    const received = new Received()
    for (let at = 1; at <= 100; at += 1) received.add({ ...message(`t${at}`), body: 'x'.repeat(1_000_000) })
    assert.equal(received.counts().kept, 64)
  })

  test('goes on from where a reader was, also after it was cleared', () => {
    const received = new Received()
    received.add(message('a'))
    received.clear()
    received.add(message('b'))
    assert.deepEqual(
      received.list({ sinceSeq: 1, limit: 10 }).map(({ seq, target }) => [seq, target]),
      [[2, 'b']],
    )
    assert.equal(received.counts().total, 1)
  })
})
