import assert from 'node:assert/strict'
import { test } from 'node:test'
import { captureLog } from '#test/support/log.ts'

test('secrets do not print, however deep they are logged', () => {
  const { log, text } = captureLog()
  log.info({ pin: '2468', body: { password: 'hunter2hunter2', device: { push_token: 'target-of-awa' } } }, 'a login')
  log.info({ headers: { authorization: 'Bearer abc.def.ghi', cookie: 'session=1' } }, 'a request')
  for (const secret of ['2468', 'hunter2', 'target-of-awa', 'abc.def', 'session=1']) {
    assert.ok(!text().includes(secret), secret)
  }
  assert.match(text(), /\[redacted\]/)
})

test('a line has the level by name and the time in UTC', () => {
  const { log, text } = captureLog()
  log.warn('careful')
  const line = JSON.parse(text()) as { level: string; time: string; msg: string }
  assert.equal(line.level, 'warn')
  assert.equal(line.msg, 'careful')
  assert.ok(!Number.isNaN(Date.parse(line.time)) && line.time.endsWith('Z'))
})
