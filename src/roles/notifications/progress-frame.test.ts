import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { progressFrame, type Watched } from './progress-frame.ts'

const NOW_MS = Date.UTC(2026, 2, 15, 14, 2, 10)
const wide = { columns: 120, isUnicode: true, nowMs: NOW_MS }

const none = {
  recipients: 0,
  recipients_done: 0,
  devices: 0,
  sent: 0,
  failed: 0,
  dead_tokens: 0,
  retrying: 0,
  held: 0,
  muted: 0,
  expired: 0,
}
const counts = {
  ...none,
  recipients: 900_000,
  recipients_done: 900_000,
  devices: 1_000_000,
  sent: 500_000,
  dead_tokens: 12_500,
}
const running: Watched = {
  state: 'sending',
  counts,
  rate_per_minute: 162_500,
  estimated_done_at: '2026-03-15T14:05:10.000Z',
}

test('how far, how fast, until when, and what became of the devices', () => {
  assert.deepEqual(progressFrame(running, wide), [
    `sending    [${'█'.repeat(20)}▌${' '.repeat(19)}]   51 %  162,500/min  until 14:05:10, 3 min`,
    '500,000 sent, 12,500 dead targets; 1,000,000 devices',
  ])
  const [ascii = ''] = progressFrame(running, { ...wide, isUnicode: false })
  assert.ok(ascii.startsWith(`sending    [${'#'.repeat(20)}${'.'.repeat(20)}]   51 %`), ascii)
})

test('a narrow terminal loses the end first, then the rate, then the bar', () => {
  const firstLine = (columns: number): string => progressFrame(running, { ...wide, columns, isUnicode: false })[0] ?? ''
  assert.match(firstLine(70), /^sending {4}\[#+\.+\] {3}51 % {2}162,500\/min {2}until 14:05:10, 3 min$/)
  assert.match(firstLine(50), /^sending {4}\[#+\.+\] {3}51 % {2}162,500\/min$/)
  assert.match(firstLine(32), /^sending {4}\[#+\.+\] {3}51 %$/)
  assert.equal(firstLine(20), 'sending 51 %')
  assert.equal(firstLine(8), 'sending')
  assert.equal(progressFrame(running, { ...wide, columns: 20 })[1], '500,000 sent, 12,5…')
})

test('whatever the numbers and the terminal, no line wraps, and no character is wider than one column', () => {
  const count = fc.nat({ max: 2_000_000_000 })
  const states = fc.constantFrom('queued', 'sending', 'done', 'cancelled')
  const watched = fc.record({
    state: states,
    counts: fc.record({
      recipients: count,
      recipients_done: count,
      devices: count,
      sent: count,
      failed: count,
      dead_tokens: count,
      retrying: count,
      held: count,
      muted: count,
      expired: count,
    }),
    rate_per_minute: fc.option(count),
    estimated_done_at: fc.option(fc.constant('2026-03-16T14:05:10.000Z')),
  })
  fc.assert(
    fc.property(watched, fc.integer({ min: 1, max: 200 }), fc.boolean(), (status, columns, isUnicode) => {
      const lines = progressFrame(status, { columns, isUnicode, nowMs: NOW_MS })
      assert.equal(lines.length, 2)
      for (const line of lines) {
        assert.ok(line.length < Math.max(columns, 1), `${line.length} in ${columns}`)
        assert.match(line, isUnicode ? /^[ -~█▏▎▍▌▋▊▉…]*$/u : /^[ -~]*$/)
      }
      const percent = Number(/(\d+) %/.exec(lines[0] ?? '')?.[1] ?? 0)
      assert.ok(percent <= 100)
      if (columns > 40 && status.state === 'done') assert.equal(percent, 100)
    }),
  )
})

test('while recipients are still to come, the devices known so far do not fill the bar', () => {
  const early = { ...running, counts: { ...counts, recipients_done: 90_000, devices: 100_000, sent: 100_000 } }
  assert.match(progressFrame(early, wide)[0] ?? '', / 10 %/)
  const withoutDevices = { ...running, counts: { ...none, recipients: 1_000, recipients_done: 500 } }
  assert.match(progressFrame(withoutDevices, wide)[0] ?? '', / 50 %/)
})

test('nothing is full, or done, before it is', () => {
  const almost = { ...running, counts: { ...counts, sent: 987_499 } }
  const [line = ''] = progressFrame(almost, { ...wide, isUnicode: false })
  assert.match(line, / 99 %/)
  assert.ok(line.includes('.]'), line)
  const nobody = { state: 'queued', counts: none, rate_per_minute: null, estimated_done_at: null } as const
  assert.match(progressFrame(nobody, wide)[0] ?? '', /^queued {5}\[ {40}\] {4}0 %$/)
})

test('times are told in the unit that fits', () => {
  const until = (seconds: number): string | undefined => {
    const estimated_done_at = new Date(NOW_MS + seconds * 1_000).toISOString()
    return progressFrame({ ...running, estimated_done_at }, wide)[0]
      ?.split(', ')
      .at(-1)
  }
  assert.deepEqual([-5, 0, 59, 90, 3_540, 7_500].map(until), ['0 s', '0 s', '59 s', '2 min', '59 min', '2 h 5 min'])
})
