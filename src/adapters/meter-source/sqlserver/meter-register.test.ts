import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import { demoIdentities } from '#src/simulators/sic/data/demo-identities.ts'
import { fillDemoSources } from '#src/simulators/sic/data/demo-sources.ts'
import { meterRegisterConformance } from '#test/conformance/meter-register.ts'
import { sicUnderTest } from '#test/support/sic-under-test.ts'
import { sqlServerMeterRegister } from './meter-register.ts'

meterRegisterConformance('SQL Server', async () => {
  const sic = await sicUnderTest()
  const register = sqlServerMeterRegister(sic.options('SIC'))
  return {
    register,
    putPrepaid: (supplies) =>
      sic.insert(
        'HEXING_INFOS_ADMINISTRATIVES_NEW',
        supplies.map(({ number, police, phone, agencyName, tariffCode }) => ({
          'N° COMPTEUR': number,
          poc: police,
          tel: phone,
          agence: agencyName,
          usage: tariffCode,
          CLIENT: 'AWA NDIAYE',
        })),
      ),
    putPostpaid: (accounts) =>
      sic.insert(
        'compteurs_postpaid',
        accounts.map(({ contractAccount, phone, agencyName, tariffCode }) => ({
          'COMPTE CONTRAT': contractAccount,
          TELEPHONE: phone,
          AGENCE: agencyName,
          TARIF: tariffCode,
        })),
      ),
    async [Symbol.asyncDispose]() {
      await register[Symbol.asyncDispose]()
      await sic[Symbol.asyncDispose]()
    },
  }
})

test('every supply of the demo world is in its register', async () => {
  await using sic = await sicUnderTest()
  await fillDemoSources(sic.source.db, { seed: 'demo', until: new Date('2026-11-22T12:00:00Z'), months: 1 })
  await using register = sqlServerMeterRegister(sic.options('SIC'))
  for (const meter of demoIdentities.meters.slice(0, 8)) {
    const found =
      meter.kind === 'prepaid'
        ? await register.prepaidSupplies(meter.number)
        : await register.postpaidSupplies(meter.number)
    const agency = demoIdentities.agencies.find(({ code }) => code === meter.agencyCode)
    assert.equal(found.length, 1)
    assert.equal(found[0]?.police, meter.kind === 'prepaid' ? meter.police : null)
    assert.ok(found[0]?.phone?.endsWith(meter.ownerPhone.slice('+221'.length)))
    assert.deepEqual([found[0].agencyName, found[0].tariffCode], [agency?.sicName, meter.tariffClass])
  }
})

test('a row without a police, and a register that is away, are no answer', async () => {
  const sic = await sicUnderTest()
  await using register = sqlServerMeterRegister(sic.options('SIC'))
  await sic.insert('HEXING_INFOS_ADMINISTRATIVES_NEW', [{ 'N° COMPTEUR': '1', poc: null, tel: '770000001' }])
  const isReason = (reason: string) => (error: unknown) => error instanceof SourceUnavailable && error.reason === reason
  await assert.rejects(register.prepaidSupplies('1'), isReason('malformed'))
  await sic[Symbol.asyncDispose]()
  await assert.rejects(register.postpaidSupplies('1'), isReason('unreachable'))
})
