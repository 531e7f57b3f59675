import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import { sicUnderTest } from '#test/support/sic-under-test.ts'
import type { SqlServerOptions } from './options.ts'
import { sqlServerPrepaidSource } from './prepaid-source.ts'

const meter = { number: '14250000016', police: '210000001' }
const range = { from: '2026-01-01', to: '2027-01-01' }

/** What came of one question: `answered`, or the reason why not. */
async function ask(options: SqlServerOptions): Promise<string> {
  await using source = sqlServerPrepaidSource(options)
  try {
    assert.deepEqual(await source.sales(meter, range), [])
    return 'answered'
  } catch (error) {
    assert.ok(error instanceof SourceUnavailable, String(error))
    return error.reason
  }
}

suite('the encryption of a SQL Server connection', () => {
  test('a server that insists is believed with its authority, and not without', async () => {
    await using sic = await sicUnderTest('all')
    const encrypted = sic.options('SIC', { encrypt: 'all', trustServerCertificate: false })
    assert.ok(sic.certificateAuthority !== undefined)
    assert.equal(await ask({ ...encrypted, certificateAuthority: sic.certificateAuthority }), 'answered')
    assert.equal(await ask(encrypted), 'unreachable')
    assert.equal(await ask({ ...encrypted, trustServerCertificate: true }), 'answered')
    assert.equal(await ask({ ...encrypted, encrypt: 'off' }), 'refused')
  })

  test('a server of old that speaks nothing newer than TLS 1.0 is reached by whoever is told to, with its certificate checked', async () => {
    await using sic = await sicUnderTest('all', { onlyTls: 'TLSv1' })
    const encrypted = sic.options('SIC', { encrypt: 'all', trustServerCertificate: false })
    assert.ok(sic.certificateAuthority !== undefined)
    const checked = { ...encrypted, certificateAuthority: sic.certificateAuthority }
    assert.equal(await ask(checked), 'unreachable')
    assert.equal(await ask({ ...checked, minTls: '1.1' }), 'unreachable')
    assert.equal(await ask({ ...checked, minTls: '1.0' }), 'answered')
    assert.equal(await ask({ ...encrypted, minTls: '1.0' }), 'unreachable')
  })

  test('a server that cannot encrypt is refused the password, unless told otherwise', async () => {
    await using sic = await sicUnderTest('off')
    assert.equal(await ask(sic.options('SIC', { encrypt: 'all' })), 'refused')
    assert.equal(await ask(sic.options('SIC', { encrypt: 'off' })), 'answered')
  })
})
