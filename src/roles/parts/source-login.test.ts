import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Config } from '#src/config/load.ts'
import { ConfigRefused } from '#src/config/load.ts'
import { sourceLogins } from './source-login.ts'

const config = (settings: Partial<Record<keyof Config, string>>): Config => settings as Config

test('what is not set is not there, and each source that is goes through the proxy', () => {
  const proxy = 'http://samaconso:a%20b@proxy.example:3128'
  const logins = sourceLogins(
    config({ SIC_URL: 'sqlserver://reader@sic/SIC', SIC_PASSWORD: 'not for others', SOURCE_PROXY_URL: proxy }),
  )
  assert.deepEqual([logins.postpaid, logins.bi_ods], [undefined, undefined])
  assert.equal(logins.sic?.address.database, 'SIC')
  assert.equal(logins.sic?.password, 'not for others')
  assert.equal(logins.sic?.proxyUrl?.href, `${proxy}/`)
  const direct = sourceLogins(config({ BI_ODS_URL: 'sqlserver://reader@sap/BI_ODS', BI_ODS_PASSWORD: 'nor this' }))
  assert.equal(direct.bi_ods?.proxyUrl, undefined)
})

test('the sources’ certificates are checked against the authorities of a file, which must be there', () => {
  const direct = { SIC_URL: 'sqlserver://reader@sic/SIC', SIC_PASSWORD: 'not for others' }
  const { sic } = sourceLogins(config({ ...direct, SOURCE_CA_FILE: import.meta.filename }))
  assert.match(sic?.certificateAuthority ?? '', /certificates are checked/)
  assert.throws(
    () => sourceLogins(config({ ...direct, SOURCE_CA_FILE: '/nowhere/ca.pem' })),
    (error) => error instanceof ConfigRefused && /SOURCE_CA_FILE cannot be read \(ENOENT\)/.test(error.message),
  )
})

test('an address without its password, or of another form, is refused by name', () => {
  const refused = (settings: Parameters<typeof config>[0], problem: RegExp) =>
    assert.throws(
      () => sourceLogins(config(settings)),
      (error) => error instanceof ConfigRefused && problem.test(error.message),
    )
  refused({ POSTPAID_URL: 'sqlserver://reader@h/HISTH2MC' }, /POSTPAID_PASSWORD must be set with POSTPAID_URL/)
  refused({ BI_ODS_URL: 'sqlserver://reader@h', BI_ODS_PASSWORD: 'x' }, /BI_ODS_URL has no database/)
})
