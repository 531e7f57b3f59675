import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import sql, { type ConnectionPool } from 'mssql'
import type { Encryption } from '#src/simulators/sic/tds/prelogin.ts'
import { connect, type SicFixture, startSic } from './sic-fixture.ts'

/** The product's own client, against every mode of encryption and every type. */

for (const encryption of ['off', 'login', 'all'] satisfies Encryption[]) {
  suite(`mssql with encryption ${encryption}`, () => {
    let sic: SicFixture
    before(async () => {
      sic = await startSic(encryption)
    })
    after(() => sic.close())

    async function isServed(options: {
      encrypt: boolean
      trustServerCertificate: boolean
      ca?: string
    }): Promise<boolean> {
      const { ca, ...rest } = options
      const cryptoCredentialsDetails = ca === undefined ? {} : { ca }
      try {
        const pool = await connect(sic.server, { options: { ...rest, cryptoCredentialsDetails } })
        const { recordset } = await pool.query('SELECT 1 AS one')
        await pool.close()
        assert.deepEqual(recordset, [{ one: 1 }])
        return true
      } catch (error) {
        if (error instanceof sql.ConnectionError) return false
        throw error
      }
    }

    test('a client without encryption', async () => {
      const isWelcome = encryption !== 'all'
      assert.equal(await isServed({ encrypt: false, trustServerCertificate: false }), isWelcome)
    })
    test('a client that encrypts and trusts blindly', async () => {
      assert.equal(await isServed({ encrypt: true, trustServerCertificate: true }), encryption !== 'off')
    })
    test('a client that encrypts and knows the certificate', async () => {
      const ca = sic.server.certPem
      assert.equal(ca === undefined, encryption === 'off')
      const known = ca === undefined ? {} : { ca }
      assert.equal(await isServed({ encrypt: true, trustServerCertificate: false, ...known }), encryption !== 'off')
    })
    test('a client that encrypts and does not know the certificate', async () => {
      assert.equal(await isServed({ encrypt: true, trustServerCertificate: false }), false)
    })
  })
}

suite('mssql', () => {
  let sic: SicFixture
  let pool: ConnectionPool
  before(async () => {
    sic = await startSic('all')
    const ca = sic.server.certPem
    pool = await connect(sic.server, { options: { encrypt: true, cryptoCredentialsDetails: { ca } } })
  })
  after(async () => {
    await pool.close()
    await sic.close()
  })

  test('every type arrives, and NULL of every type', async () => {
    const { recordset } = await pool.query('SELECT * FROM types')
    const [full, empty] = recordset as Record<string, unknown>[]
    assert.deepEqual(full, {
      petit: -32_768,
      entier: 2_147_483_647,
      grand: '9007199254740993',
      oui: true,
      reel: 1.5,
      double: 0.1,
      exact: 1.2345678901234567e27,
      jour: new Date('2026-02-28T00:00:00Z'),
      heure: new Date('1970-01-01T23:59:58.123Z'),
      instant: new Date('2026-07-01T12:34:56.123Z'),
      decale: new Date('2026-07-01T10:00:00Z'),
      texte: 'Où ça ? À Thiès… €',
      code: 'ab  ',
      id: '6F9619FF-8B86-D011-B42D-00C04FC964FF',
      octets: Buffer.from([0x00, 0xff, 0x10]),
    })
    assert.deepEqual(new Set(Object.values(empty ?? {})), new Set([null]))
    assert.equal(Object.keys(empty ?? {}).length, 15)
  })

  test('columns are announced as SQL Server declares them', async () => {
    const { recordset } = await pool.query(
      "SELECT *, CAST(1 AS money) AS m, N'é' AS t, CAST(1 AS varchar(9)) AS v FROM types",
    )
    const { columns } = recordset
    assert.equal(columns['exact']?.precision, 38)
    assert.equal(columns['exact']?.scale, 10)
    assert.equal(columns['petit']?.type, sql.SmallInt)
    assert.equal(columns['grand']?.type, sql.BigInt)
    assert.equal(columns['oui']?.type, sql.Bit)
    assert.equal(columns['instant']?.scale, 6)
    assert.equal(columns['m']?.type, sql.Money)
    assert.equal(columns['v']?.type, sql.VarChar)
    assert.equal(columns['v']?.length, 9)
  })

  test('decimals are exact when the statement asks for text', async () => {
    const { recordset } = await pool.query(
      "SELECT CAST([Total énergie] AS varchar(40)) AS e FROM Ventes WHERE POLICE = 'P3'",
    )
    assert.deepEqual(recordset, [{ e: '999999999999999.999' }])
  })

  const parameters: [name: string, type: sql.ISqlType | (() => sql.ISqlType), value: unknown, expected?: unknown][] = [
    ['int', sql.Int, -5],
    ['bigint', sql.BigInt, '9007199254740993'],
    ['smallint', sql.SmallInt, 7],
    ['tinyint', sql.TinyInt, 200],
    ['bit', sql.Bit, true],
    ['float', sql.Float, 0.1],
    ['real', sql.Real, 1.5],
    ['decimal', sql.Decimal(18, 3), 113.9],
    ['numeric', sql.Numeric(38, 2), -12.34],
    ['money', sql.Money, 12.34],
    ['datetime', sql.DateTime, new Date('2026-02-05T09:15:30.123Z')],
    ['smalldatetime', sql.SmallDateTime, new Date('2026-02-05T09:15:00Z')],
    ['datetime2', sql.DateTime2(7), new Date('2026-02-05T09:15:30.123Z')],
    ['datetimeoffset', sql.DateTimeOffset(3), new Date('2026-02-05T09:15:30.123Z')],
    ['date', sql.Date, new Date('2026-02-05T00:00:00Z')],
    ['time', sql.Time(3), new Date('1970-01-01T09:15:30.123Z')],
    ['nvarchar', sql.NVarChar(50), "N° d'été €"],
    ['varchar', sql.VarChar(50), "N° d'été €"],
    ['nvarchar(max)', sql.NVarChar(sql.MAX), 'é'.repeat(20_000)],
    ['varchar(max)', sql.VarChar(sql.MAX), 'x'.repeat(20_000)],
    ['nchar', sql.NChar(4), 'ab', 'ab  '],
    ['uniqueidentifier', sql.UniqueIdentifier, '6F9619FF-8B86-D011-B42D-00C04FC964FF'],
    ['varbinary', sql.VarBinary(10), Buffer.from([1, 2, 0])],
  ]
  for (const [name, type, value, expected = value] of parameters) {
    test(`a parameter of type ${name} comes back as it went, and NULL too`, async () => {
      const given = await pool.request().input('p', type, value).query('SELECT @p AS p')
      assert.deepEqual(given.recordset, [{ p: expected }])
      const missing = await pool.request().input('p', type, null).query('SELECT @p AS p')
      assert.deepEqual(missing.recordset, [{ p: null }])
    })
  }

  test("the connector's kind of statement, by sp_executesql", async () => {
    const { recordset } = await pool
      .request()
      .input('meter', sql.NVarChar(40), '01000000001')
      .input('police', sql.VarChar(40), 'p1')
      .input('from', sql.DateTime2, new Date('2026-02-01T00:00:00Z'))
      .input('count', sql.Int, 10)
      .query(`SELECT TOP (@count) v.[N° COMPTEUR], CAST(v.MONTANT_TTC AS varchar(40)) AS MONTANT_TTC,
                CONVERT(varchar(23), v.DATE_VENTE, 126) AS DATE_VENTE
              FROM Ventes AS v
              WHERE v.[N° COMPTEUR] = @meter AND v.POLICE = @police AND v.DATE_VENTE >= @from
              ORDER BY v.DATE_VENTE`)
    assert.deepEqual(recordset, [
      { 'N° COMPTEUR': '01000000001', MONTANT_TTC: '-0.50', DATE_VENTE: '2026-02-05T09:15:30.123' },
    ])
  })

  test('output parameters bring back what the statement sets', async () => {
    const request = pool.request().input('a', sql.Int, 20).output('b', sql.Int).output('c', sql.NVarChar(20))
    const result = await request.query("SET @b = @a + 1; SELECT @c = N'ça'")
    assert.deepEqual(result.output, { b: 21, c: 'ça' })
  })

  test('a prepared statement runs many times', async () => {
    const statement = new sql.PreparedStatement(pool)
    statement.input('n', sql.Int)
    await statement.prepare('SELECT @n * 2 AS twice')
    try {
      assert.deepEqual((await statement.execute({ n: 4 })).recordset, [{ twice: 8 }])
      assert.deepEqual((await statement.execute({ n: 5 })).recordset, [{ twice: 10 }])
    } finally {
      await statement.unprepare()
    }
  })

  test('an unknown procedure is error 2812', async () => {
    await assert.rejects(pool.request().execute('sp_nulle_part'), { number: 2812, message: /'sp_nulle_part'/ })
  })

  test('a parameter without a value is error 8178', async () => {
    await assert.rejects(
      pool
        .request()
        .input('stmt', sql.NVarChar, 'SELECT @a')
        .input('params', sql.NVarChar, '@a int')
        .execute('sp_executesql'),
      { number: 8178 },
    )
  })

  test('a transaction is kept or undone', async () => {
    const count = async (): Promise<unknown> =>
      (await pool.query('SELECT COUNT(*) AS n FROM compteurs_app_mobile')).recordset[0]?.n
    const undone = new sql.Transaction(pool)
    await undone.begin()
    await undone.request().query("INSERT INTO compteurs_app_mobile VALUES ('1', 1)")
    await assert.rejects(undone.request().query('SELECT 1/0'))
    assert.deepEqual((await undone.request().query('SELECT @@TRANCOUNT AS t')).recordset, [{ t: 1 }])
    await undone.rollback()
    assert.equal(await count(), 0)
    const kept = new sql.Transaction(pool)
    await kept.begin()
    await kept.request().query("INSERT INTO compteurs_app_mobile VALUES ('2', 1)")
    await kept.commit()
    assert.equal(await count(), 1)
  })

  test('a large result arrives whole, over many packets of any size', async () => {
    const digits =
      '(SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)'
    const statement = `SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS n, N'été' AS t, CAST(NULL AS int) AS z
      FROM ${digits} a, ${digits} b, ${digits} c, ${digits} e ORDER BY 1`
    for (const packetSize of [512, 4096, 32_767]) {
      const sized = await connect(sic.server, { options: { encrypt: true, trustServerCertificate: true, packetSize } })
      const { recordset } = await sized.query(statement)
      await sized.close()
      assert.equal(recordset.length, 10_000)
      assert.ok(recordset.every((row, index) => row.n === index && row.t === 'été' && row.z === null))
    }
  })

  test('a statement far longer than a packet is understood', async () => {
    const { recordset } = await pool.query(`SELECT '${'é'.repeat(50_000)}' AS t`)
    assert.equal(recordset[0]?.t.length, 50_000)
  })

  test('cancelling stops the statement in PostgreSQL and frees the connection', async () => {
    const rows = Array.from({ length: 8 }, (_, index) => `types t${index}`).join(', ')
    const digits = '(SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4)'
    const huge = Array.from({ length: 14 }, (_, index) => `${digits} d${index}`).join(', ')
    const request = pool.request()
    const answered = request.query(`SELECT COUNT_BIG(*) FROM ${rows}, ${huge}`)
    await untilRunning(sic, 'count(*)')
    request.cancel()
    await assert.rejects(answered, { code: 'ECANCEL' })
    assert.deepEqual((await pool.query('SELECT 1 AS one')).recordset, [{ one: 1 }])
    assert.equal(await runningCount(sic, 'count(*)'), 0)
  })

  test('a wrong password is refused', async () => {
    const wrong = connect(sic.server, { password: 'faux', options: { encrypt: true, trustServerCertificate: true } })
    await assert.rejects(wrong, { code: 'ELOGIN', message: "Login failed for user 'lecteur'." })
  })

  test('an unknown database is refused', async () => {
    const errors: number[] = []
    const unknown = new sql.ConnectionPool({
      server: '127.0.0.1',
      port: sic.server.port,
      user: 'lecteur',
      password: 'x',
      database: 'NULLE_PART',
      options: { encrypt: true, trustServerCertificate: true },
      beforeConnect: (connection) => void connection.on('errorMessage', (error) => errors.push(error.number)),
    })
    await assert.rejects(unknown.connect(), { code: 'ELOGIN' })
    // The password is checked first.
    assert.deepEqual(errors, [18_456])
  })
})

async function runningCount(sic: SicFixture, text: string): Promise<number> {
  const { Client } = (await import('pg')).default
  const client = new Client({ connectionString: sic.databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ n: number }>(
      `select count(*)::int as n from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and state = 'active' and query ilike $1`,
      [`%${text}%`],
    )
    return rows[0]?.n ?? 0
  } finally {
    await client.end()
  }
}

async function untilRunning(sic: SicFixture, text: string): Promise<void> {
  while ((await runningCount(sic, text)) === 0);
}
