import assert from 'node:assert/strict'
import { after, before, beforeEach, suite, test } from 'node:test'
import { inspect } from 'node:util'
import { sql } from 'kysely'
import { type PrepaidSource, SourceUnavailable } from '#src/ports/meter-source.ts'
import { type Faults, noFaults } from '#src/simulators/sic/faults.ts'
import { freePort } from '#test/support/free-port.ts'
import { OwnConnections } from '#test/support/own-connections.ts'
import { type SicUnderTest, sicUnderTest } from '#test/support/sic-under-test.ts'
import { type Fault, TcpInterposer } from '#test/support/tcp-interposer.ts'
import type { SqlServerOptions } from './options.ts'
import { sqlServerPostpaidSource } from './postpaid-source.ts'
import { sqlServerPrepaidSource } from './prepaid-source.ts'

const SALES = 'HEXING_SENELECBILL_ALHDL2'
const meter = { number: '14250000016', police: '210000001' }
const range = { from: '2026-01-01', to: '2027-01-01' }
/** For a question that hangs; those around it, that are to be answered, have the same time. */
const HASTY_MS = 2_000
const ask = (source: PrepaidSource, signal?: AbortSignal) => source.sales(meter, range, signal)

function isUnavailable(...reasons: SourceUnavailable['reason'][]) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof SourceUnavailable, inspect(error))
    assert.ok(reasons.includes(error.reason), inspect(error))
    return true
  }
}

suite('the SQL Server source and the simulated SIC', () => {
  let sic: SicUnderTest
  before(async () => {
    sic = await sicUnderTest()
  })
  after(() => sic[Symbol.asyncDispose]())
  beforeEach(async () => {
    await sql`truncate ${sql.id('SIC', SALES)}`.execute(sic.source.db)
    const rows = Array.from({ length: 40 }, (_, place) => ({
      NUMERO_COMMANDE: `N${place}`,
      NUMERO_COMPTEUR: meter.number,
      POLICE: meter.police,
      NOM_AGENCE_ENCAISSEMENT: 'AGENCE THIÈS',
      DATE_TRANSACTION: `2026-03-${String((place % 28) + 1).padStart(2, '0')} 10:00:00.337`,
      ENERGIE_VENDUE: '113.9',
      MONTANT_RECU: '10000',
    }))
    await sic.insert(SALES, rows)
  })

  /** A source that reaches the simulator through a wire that the test can spoil. */
  async function overWire(changed: Partial<SqlServerOptions> = {}) {
    await using opened = new AsyncDisposableStack()
    const wire = opened.use(await TcpInterposer.start(sic.port))
    const ours = opened.use(new OwnConnections(wire.port))
    const options = sic.options('SIC', { port: wire.port, ...changed })
    const source = opened.use(sqlServerPrepaidSource(options))
    assert.equal((await ask(source)).length, 40)
    const kept = opened.move()
    return { wire, source, ours, [Symbol.asyncDispose]: () => kept.disposeAsync() }
  }

  test('hands over every column as delivered, accents and nulls included', async () => {
    await using source = sqlServerPrepaidSource(sic.options('SIC'))
    const [first] = await ask(source)
    assert.equal(first?.delivered['NOM_AGENCE_ENCAISSEMENT'], 'AGENCE THIÈS')
    assert.equal(first?.delivered['DATE_TRANSACTION'], '2026-03-01T10:00:00.337')
    assert.equal(first?.delivered['TOKEN'], null)
    assert.equal(Object.keys(first?.delivered ?? {}).length, 26)
    assert.equal(first?.soldAt.toISOString(), '2026-03-01T10:00:00.337Z')
  })

  test('a row that the source repeats counts once', async () => {
    const row = { NUMERO_COMMANDE: 'D', NUMERO_COMPTEUR: '77', POLICE: '7', DATE_TRANSACTION: '2026-05-05 10:00' }
    await sic.insert(SALES, [row, row])
    await using source = sqlServerPrepaidSource(sic.options('SIC'))
    assert.equal((await source.sales({ number: '77', police: '7' }, range)).length, 1)
  })

  test('what a customer typed is never part of the statement', async () => {
    await using source = sqlServerPrepaidSource(sic.options('SIC'))
    const typed = ["' OR 1=1 --", "1'; DROP TABLE Historique; --", '%', 'é☀', '1'.repeat(300), `${meter.number} x`]
    for (const number of typed) assert.deepEqual(await source.sales({ ...meter, number }, range), [])
    await using bills = sqlServerPostpaidSource(sic.options('HISTH2MC'))
    assert.deepEqual(await bills.bills("' OR 1=1 --", range), [])
  })

  test('a wrong password is refused, and printed nowhere', async () => {
    const password = 'not-the-password-at-all'
    await using source = sqlServerPrepaidSource(sic.options('SIC', { password }))
    await assert.rejects(ask(source), (error) => {
      assert.doesNotMatch(inspect(error, { depth: 10, showHidden: true }), new RegExp(password))
      return isUnavailable('refused')(error)
    })
  })

  test('a database without the table is refused', async () => {
    await using source = sqlServerPrepaidSource(sic.options('HISTH2MC'))
    await assert.rejects(ask(source), isUnavailable('refused'))
  })

  test('a slow answer costs its timeout; the next question is answered', async () => {
    await using subject = await overWire({ queryTimeoutMs: HASTY_MS })
    const spoiled = subject.wire.spoilNext('hold')
    const asked = assert.rejects(ask(subject.source), isUnavailable('too_slow'))
    await spoiled
    await asked
    subject.wire.release()
    assert.equal((await ask(subject.source)).length, 40)
  })

  const faults: readonly (readonly [Fault, readonly SourceUnavailable['reason'][]])[] = [
    ['hang', ['too_slow']],
    ['die', ['unreachable']],
    ['garble', ['malformed']],
  ]
  for (const [fault, reasons] of faults) {
    test(`an answer that begins and then goes wrong (${fault}) fails; the next question is answered`, async () => {
      await using subject = await overWire(fault === 'hang' ? { queryTimeoutMs: HASTY_MS } : {})
      const spoiled = subject.wire.spoilNext(fault)
      const asked = assert.rejects(ask(subject.source), isUnavailable(...reasons))
      await spoiled
      await asked
      assert.equal((await ask(subject.source)).length, 40)
    })
  }

  const ownFaults: readonly (readonly [
    fault: Partial<Faults>,
    reason: SourceUnavailable['reason'],
    hasty?: Partial<SqlServerOptions>,
  ])[] = [
    [{ refuse: 'connections' }, 'unreachable'],
    [{ refuse: 'logins' }, 'refused'],
    [{ delayMs: 600_000 }, 'unreachable', { connectTimeoutMs: HASTY_MS }],
    [{ answer: 'hang' }, 'too_slow', { queryTimeoutMs: HASTY_MS }],
    [{ answer: 'die' }, 'unreachable'],
    [{ answer: 'malformed' }, 'malformed'],
  ]
  for (const [fault, reason, hasty] of ownFaults) {
    test(`a server that misbehaves (${JSON.stringify(fault)}) is ${reason}; once it does no more it answers`, async () => {
      await using source = sqlServerPrepaidSource(sic.options('SIC', hasty))
      // Those of answers alone: a new connection asks a question of its own before ours.
      if (fault.answer !== undefined) await ask(source)
      Object.assign(sic.faults, fault)
      try {
        await assert.rejects(ask(source), isUnavailable(reason))
      } finally {
        Object.assign(sic.faults, noFaults())
      }
      assert.equal((await ask(source)).length, 40)
    })
  }

  test('a server whose answers make no sense from the login on is malformed', async () => {
    await using source = sqlServerPrepaidSource(sic.options('SIC'))
    sic.faults.answer = 'malformed'
    try {
      await assert.rejects(ask(source), isUnavailable('malformed'))
    } finally {
      Object.assign(sic.faults, noFaults())
    }
    assert.equal((await ask(source)).length, 40)
  })

  test('a question cancelled in mid-answer rejects with its reason; the next one is answered', async () => {
    await using subject = await overWire()
    const cancel = new AbortController()
    const reason = new Error('the customer has gone')
    const spoiled = subject.wire.spoilNext('hold')
    const asked = assert.rejects(ask(subject.source, cancel.signal), (error) => error === reason)
    await spoiled
    cancel.abort(reason)
    await asked
    subject.wire.release()
    assert.equal((await ask(subject.source)).length, 40)
  })

  test('a source that was down when the program started is asked once it is up', async () => {
    const port = await freePort()
    await using source = sqlServerPrepaidSource(sic.options('SIC', { port }))
    await assert.rejects(ask(source), isUnavailable('unreachable'))
    await using _again = await TcpInterposer.start(sic.port, port)
    assert.equal((await ask(source)).length, 40)
  })

  test('connections that died while idle are not noticed by anybody', async () => {
    await using subject = await overWire()
    assert.ok(subject.ours.count > 0)
    // The wire's ends are closed before the source's own has heard of it.
    await Promise.all([subject.ours.closed(), subject.wire.cutAll()])
    assert.equal((await ask(subject.source)).length, 40)
  })

  test('closing while an answer hangs ends', async () => {
    const subject = await overWire({ queryTimeoutMs: 600_000 })
    const spoiled = subject.wire.spoilNext('hang')
    const asked = assert.rejects(ask(subject.source), isUnavailable('unreachable'))
    await spoiled
    await subject[Symbol.asyncDispose]()
    await asked
  })
})
