import assert from 'node:assert/strict'
import { after, afterEach, before, suite, test } from 'node:test'
import sql, { type config as Config, type ConnectionPool } from 'mssql'
import { noFaults } from '#src/simulators/sic/faults.ts'
import { connect, type SicFixture, startSic } from './sic-fixture.ts'

suite('faults of the SIC simulator', () => {
  let sic: SicFixture
  const pools: ConnectionPool[] = []
  before(async () => {
    sic = await startSic('login', { controlPort: 0 })
  })
  afterEach(async () => {
    Object.assign(sic.server.faults, noFaults())
    sic.server.statements.clear()
    for (const pool of pools.splice(0)) await pool.close()
  })
  after(() => sic.close())

  async function client(changes: Partial<Config> = {}): Promise<ConnectionPool> {
    // Without it the pool first tries the connection by a statement, which would meet the fault.
    const pool = await connect(sic.server, { validateConnection: false, ...changes })
    pools.push(pool)
    // The pool opens its connection with the first statement; from here on the fault meets that connection's next one.
    await pool.query('SELECT 1')
    sic.server.statements.clear()
    return pool
  }

  /** One request that has less time than all others of its pool, which its types do not know of. */
  const limitedRequest = (pool: ConnectionPool, limits: { readonly requestTimeout: number }): sql.Request =>
    (pool as unknown as { request(own: typeof limits): sql.Request }).request(limits)

  const control = (method: string, path: string, body?: unknown): Promise<Response> =>
    fetch(`http://127.0.0.1:${sic.server.controlPort}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })

  test('slow: the client runs into its own limit, and the connection lives on', async () => {
    const pool = await client()
    sic.server.faults.delayMs = 60_000
    const hasty = limitedRequest(pool, { requestTimeout: 200 })
    await assert.rejects(hasty.query('SELECT 1'), { code: 'ETIMEOUT' })
    sic.server.faults.delayMs = 0
    assert.deepEqual((await pool.query('SELECT 2 AS two')).recordset, [{ two: 2 }])
  })

  test('connections refused', async () => {
    sic.server.faults.refuse = 'connections'
    await assert.rejects(client(), sql.ConnectionError)
    sic.server.faults.refuse = 'nothing'
    await client()
  })

  test('logins refused', async () => {
    sic.server.faults.refuse = 'logins'
    await assert.rejects(client(), { code: 'ELOGIN' })
  })

  test('hanging in the middle of an answer', async () => {
    const pool = await client({ options: { cancelTimeout: 200 } })
    sic.server.faults.answer = 'hang'
    const digits = '(SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4)'
    const request = pool.request()
    request.stream = true
    let rows = 0
    const isPartlyThere = new Promise<void>((resolve) => {
      request.on('row', () => {
        rows += 1
        if (rows === 200) resolve()
      })
    })
    const ended = new Promise<Error>((resolve) => request.on('error', resolve))
    void request.query(`SELECT a.d FROM ${digits} a, ${digits} b, ${digits} c, ${digits} d, ${digits} e`)
    await isPartlyThere
    request.cancel()
    assert.ok((await ended) instanceof Error)
    assert.ok(rows < 3125)
  })

  test('dying in the middle of an answer', async () => {
    const pool = await client()
    sic.server.faults.answer = 'die'
    await assert.rejects(pool.query('SELECT * FROM Ventes'), sql.RequestError)
  })

  test('an answer that is none', async () => {
    const pool = await client()
    sic.server.faults.answer = 'malformed'
    await assert.rejects(pool.query('SELECT * FROM Ventes'), sql.RequestError)
    sic.server.faults.answer = 'whole'
    assert.deepEqual((await pool.query('SELECT 3 AS three')).recordset, [{ three: 3 }])
  })

  test('faults are set from another process, some at a time', async () => {
    const set = await control('PUT', '/faults', { delayMs: 1, answer: 'hang' })
    assert.deepEqual([set.status, await set.json()], [200, { delayMs: 1, refuse: 'nothing', answer: 'hang' }])
    await control('PUT', '/faults', { answer: 'whole' })
    assert.deepEqual(await (await control('GET', '/faults')).json(), { delayMs: 1, refuse: 'nothing', answer: 'whole' })
    assert.equal(sic.server.faults.delayMs, 1)
  })

  for (const wrong of [{ delayMs: -1 }, { refuse: 'everything' }, { answer: 1 }, { unknown: 1 }, [1], null, 'text']) {
    test(`no fault is ${JSON.stringify(wrong)}`, async () => {
      assert.equal((await control('PUT', '/faults', wrong)).status, 400)
      assert.deepEqual(sic.server.faults, noFaults())
    })
  }

  test('no route is another one', async () => {
    assert.equal((await control('GET', '/nothing')).status, 404)
    assert.equal((await control('POST', '/faults', {})).status, 404)
  })

  test('statements are listed with their parameters until they are cleared', async () => {
    const pool = await client()
    await pool.request().batch('SELECT 1')
    await pool.request().input('meter', sql.NVarChar, '01').query('SELECT @meter AS m')
    const listed = (await (await control('GET', '/statements')).json()) as Record<string, unknown>[]
    assert.deepEqual(
      listed.map(({ kind, text, parameters, database }) => ({ kind, text, parameters, database })),
      [
        { kind: 'batch', text: 'SELECT 1', parameters: {}, database: 'SIC' },
        { kind: 'procedure', text: 'SELECT @meter AS m', parameters: { meter: '01' }, database: 'SIC' },
      ],
    )
    assert.equal((await control('DELETE', '/statements')).status, 204)
    assert.deepEqual(await (await control('GET', '/statements')).json(), [])
  })

  test('closing while more statements run than PostgreSQL has connections for ends them all', async () => {
    const other = await startSic('off')
    const pool = await connect(other.server, { pool: { max: 20 } })
    const digits = '(SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4)'
    const huge = Array.from({ length: 14 }, (_, index) => `${digits} d${index}`).join(', ')
    const answers = Array.from({ length: 20 }, () => pool.query(`SELECT COUNT_BIG(*) FROM ${huge}`))
    const ended = Promise.allSettled(answers)
    const sent = (): number => other.server.statements.all.filter(({ text }) => text.includes('COUNT_BIG')).length
    while (sent() < 20) await new Promise((resolve) => setImmediate(resolve))
    await other.close()
    assert.ok((await ended).every(({ status }) => status === 'rejected'))
    await pool.close()
  })

  test('closing twice, and with clients connected, is safe', async () => {
    const other = await startSic('off')
    const pool = await connect(other.server)
    await other.server.close()
    await other.server.close()
    await pool.close()
    await other.close()
  })
})
