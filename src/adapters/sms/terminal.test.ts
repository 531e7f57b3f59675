import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { smsConformance } from '#test/conformance/sms.ts'
import { terminalSms } from './terminal.ts'

function terminal() {
  const lines: string[] = []
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString('utf8'))
      done()
    },
  })
  return { output, lines, sms: terminalSms(output) }
}

smsConformance('terminal', () => {
  const { output, lines, sms } = terminal()
  const received = () =>
    lines.map((line) => {
      const [, to = '', text = ''] = /^SMS to (\+\d+): (.*)\n$/.exec(line) ?? []
      return { to, text }
    })
  return { sms, received, fail: () => void output.destroy() }
})

test('a message is one line, whatever it holds', async () => {
  const { lines, sms } = terminal()
  await sms.send({ to: '+221770000001', text: 'one\nSMS to +221770000002: two' })
  assert.deepEqual(lines, ['SMS to +221770000001: one SMS to +221770000002: two\n'])
})
