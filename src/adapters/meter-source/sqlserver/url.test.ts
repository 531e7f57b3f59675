import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parseSqlServerUrl, SqlServerUrlError } from './url.ts'

const defaults = { encrypt: 'all', trustServerCertificate: false }

suite('the address of a SQL Server', () => {
  test('is read in full', () => {
    assert.deepEqual(parseSqlServerUrl('sqlserver://reader@10.0.0.5:1444/SIC'), {
      host: '10.0.0.5',
      port: 1444,
      database: 'SIC',
      user: 'reader',
      ...defaults,
    })
  })

  test('has port 1433 unless it says otherwise, and takes a domain user, a spelled host and IPv6', () => {
    assert.equal(parseSqlServerUrl('sqlserver://reader@db/SIC').port, 1433)
    assert.equal(parseSqlServerUrl('sqlserver://SENELEC%5Creader@db/SIC').user, 'SENELEC\\reader')
    assert.equal(parseSqlServerUrl('sqlserver://reader@[::1]:1433/SIC').host, '::1')
    assert.equal(parseSqlServerUrl('sqlserver://reader@db/Base%20d%C3%A9mo').database, 'Base démo')
  })

  test('says how to encrypt', () => {
    const address = parseSqlServerUrl('sqlserver://reader@db/SIC?encrypt=off&trust_server_certificate=true')
    assert.equal(address.encrypt, 'off')
    assert.equal(address.trustServerCertificate, true)
  })

  test('lets an old server speak old TLS', () => {
    assert.equal(parseSqlServerUrl('sqlserver://reader@db/SIC?min_tls=1.0').minTls, '1.0')
    assert.equal(parseSqlServerUrl('sqlserver://reader@db/SIC?min_tls=1.2').minTls, undefined)
  })

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['sqlserver://reader:hunter2secret@db/SIC', /must not contain a password/],
    ['postgres://reader@db/SIC', /must have the form/],
    ['not an address', /must have the form/],
    ['sqlserver://reader@db', /has no database/],
    ['sqlserver://reader@db/', /has no database/],
    ['sqlserver://db/SIC', /has no user/],
    ['sqlserver:///SIC', /has no host/],
    ['sqlserver://reader@db/SIC/other', /more than one database/],
    ['sqlserver://reader@db:0/SIC', /no port/],
    ['sqlserver://reader@db:99999/SIC', /must have the form/],
    ['sqlserver://reader%zz@db/SIC', /hexadecimal/],
    ['sqlserver://reader@db/SIC#x', /must not contain a #/],
    ['sqlserver://reader@db/SIC?password=hunter2secret', /a parameter other than/],
    ['sqlserver://reader@db/SIC?encrypt=login', /encrypt must be one of off, all, strict/],
    ['sqlserver://reader@db/SIC?encrypt=off&encrypt=all', /gives encrypt twice/],
    ['sqlserver://reader@db/SIC?min_tls=3', /min_tls must be one of 1.0, 1.1, 1.2/],
    ['sqlserver://reader@db/SIC?trust_server_certificate=yes', /true or false/],
  ]
  for (const [text, expected] of wrong) {
    test(`${text.replaceAll(/hunter\w+/g, '…')} is refused without repeating a secret`, () => {
      assert.throws(
        () => parseSqlServerUrl(text),
        (error: unknown) => {
          assert.ok(error instanceof SqlServerUrlError)
          assert.match(error.message, expected)
          assert.doesNotMatch(error.message, /hunter2secret/)
          return true
        },
      )
    })
  }
})
