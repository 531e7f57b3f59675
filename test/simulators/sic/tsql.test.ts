import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import sql, { type ConnectionPool } from 'mssql'
import { connect, type SicFixture, startSic } from './sic-fixture.ts'

let sic: SicFixture
let pool: ConnectionPool

/** The rows as arrays: columns may lack names or share them. */
async function rowsOf(statement: string): Promise<unknown[][]> {
  const request = pool.request()
  request.arrayRowMode = true
  const result = await request.query(statement)
  return result.recordset as unknown as unknown[][]
}

/** Each statement with the one row, or the rows, that SQL Server answers. */
function answers(cases: Record<string, unknown[] | unknown[][]>): void {
  for (const [statement, expected] of Object.entries(cases)) {
    test(statement, async () => {
      const rows = expected.every(Array.isArray) && expected.length > 0 ? expected : [expected]
      assert.deepEqual(await rowsOf(statement), rows)
    })
  }
}

suite('T-SQL on PostgreSQL', () => {
  before(async () => {
    sic = await startSic('off')
    pool = await connect(sic.server)
  })
  after(async () => {
    await pool.close()
    await sic.close()
  })

  suite('values', () => {
    answers({
      'SELECT 1': [1],
      "SELECT 'it''s', N'été'": ["it's", 'été'],
      'SELECT NULL': [null],
      'SELECT -1, +1, - - 2': [-1, 1, 2],
      'SELECT 1.50, .5, 1e3': [1.5, 0.5, 1000],
      'SELECT 2147483648': [2147483648],
      'SELECT 7 / 2, 7 % 2, -7 / 2': [3, 1, -3],
      'SELECT CAST(7.0 / 2 AS varchar(20)), CAST(2.0 / 3 AS varchar(20))': ['3.500000', '0.666666'],
      "SELECT 'a' + 'b', 'a' + NULL": ['ab', null],
      "SELECT '5' + 3": [8],
      'SELECT (1 + 2) * 3': [9],
      "SELECT CASE WHEN 1 = 2 THEN 'a' WHEN 2 > 1 THEN 'b' ELSE 'c' END": ['b'],
      "SELECT CASE 3 WHEN 1 THEN 'a' END": [null],
      'SELECT CASE WHEN 1 = 1 THEN 1 ELSE 2.5 END': [1],
      'SELECT COALESCE(NULL, NULL, 5), ISNULL(NULL, 3), NULLIF(1, 1), IIF(1 > 0, 8, 9)': [5, 3, null, 8],
      'SELECT 0x1F': [Buffer.from([0x1f])],
    })
  })

  suite('conversions', () => {
    answers({
      'SELECT CAST(CAST(12.5 AS decimal(18, 3)) AS varchar(40))': ['12.500'],
      'SELECT CAST(CAST(-0.5 AS decimal(18, 2)) AS varchar(40)), CAST(CAST(0 AS decimal(9, 3)) AS varchar(40))': [
        '-0.50',
        '0.000',
      ],
      'SELECT CAST(12.345 AS decimal(10, 2)), CAST(-2.5 AS int), CAST(2.9 AS int)': [12.35, -2, 2],
      "SELECT CAST('12' AS int), CAST(' 12 ' AS int), CAST('' AS int)": [12, 12, 0],
      'SELECT CAST(12345 AS varchar(3)), CAST(12 AS varchar(3))': ['*', '12'],
      "SELECT CONVERT(varchar(3), 'abcdef'), CAST('ab' AS char(4)) + '|'": ['abc', 'ab  |'],
      "SELECT CONVERT(varchar(23), CAST('2026-02-05 09:15:30.123' AS datetime), 126)": ['2026-02-05T09:15:30.123'],
      "SELECT CONVERT(varchar(33), CAST('2026-02-05 09:15:30' AS datetime), 126)": ['2026-02-05T09:15:30'],
      "SELECT CONVERT(varchar(23), CAST('2026-02-05 09:15:30' AS datetime), 121)": ['2026-02-05 09:15:30.000'],
      "SELECT CONVERT(varchar(19), CAST('2026-02-05 09:15:30' AS datetime), 120)": ['2026-02-05 09:15:30'],
      "SELECT CONVERT(varchar(10), CAST('2026-02-05 09:15:30' AS datetime), 23)": ['2026-02-05'],
      "SELECT CONVERT(varchar(10), CAST('20260205' AS date), 103), CONVERT(char(8), CAST('2026-02-05' AS date), 112)": [
        '05/02/2026',
        '20260205',
      ],
      "SELECT CAST(CAST('2026-01-01 09:05' AS datetime) AS varchar(30))": ['Jan  1 2026  9:05AM'],
      "SELECT CAST(CAST('2026-01-01' AS date) AS varchar(30)), CAST(CAST('2026-01-01' AS datetime2(3)) AS varchar(30))":
        ['2026-01-01', '2026-01-01 00:00:00.000'],
      "SELECT CONVERT(varchar(23), CAST('2026-02-05 09:15:30.124' AS datetime), 121)": ['2026-02-05 09:15:30.123'],
      "SELECT CONVERT(varchar(30), CONVERT(datetime, '05/02/2026', 103), 23)": ['2026-02-05'],
      "SELECT CAST(CAST('12.3' AS money) AS varchar(20)), CAST(1 AS bit), CAST('false' AS bit)": ['12.30', true, false],
      'SELECT CAST(CAST(0.1 AS float) AS varchar(20)), CAST(CAST(1234567 AS float) AS varchar(20))': [
        '0.1',
        '1.23457e+006',
      ],
      'SELECT CAST(CAST(0.00001 AS float) AS varchar(20)), CAST(CAST(123456 AS float) AS varchar(20))': [
        '1e-005',
        '123456',
      ],
      "SELECT CONVERT(varchar(41), CAST('-12.3456' AS money), 2), CONVERT(varchar(41), CAST('12.345' AS money), 0)": [
        '-12.3456',
        '12.35',
      ],
      'SELECT CONVERT(varchar(41), CAST(-12.50 AS decimal(9, 2)), 2), CONVERT(varchar(41), 7, 2)': ['-12.50', '7'],
      'SELECT CONVERT(varchar(41), CAST(113.9 AS float), 2), CONVERT(varchar(41), CAST(-0.05 AS float), 2)': [
        '1.139000000000000e+002',
        '-5.000000000000000e-002',
      ],
      "SELECT CAST(CAST('6f9619ff-8b86-d011-b42d-00c04fc964ff' AS uniqueidentifier) AS varchar(36))": [
        '6F9619FF-8B86-D011-B42D-00C04FC964FF',
      ],
    })
  })

  suite('functions', () => {
    answers({
      "SELECT LTRIM(' a '), RTRIM(' a '), UPPER('été'), LOWER('ÉTÉ'), LEN('ab  ')": ['a ', ' a', 'ÉTÉ', 'été', 2],
      "SELECT SUBSTRING('abcdef', 2, 3), LEFT('abc', 2), RIGHT('abc', 2), LEFT('a', 5)": ['bcd', 'ab', 'bc', 'a'],
      "SELECT REPLACE('a.b.c', '.', '-'), REPLACE('ABC', 'b', '\\1'), CHARINDEX('B', 'abc')": ['a-b-c', 'A\\1C', 2],
      "SELECT CONCAT('a', NULL, 1)": ['a1'],
      'SELECT ABS(-3), ROUND(2.345, 2), FLOOR(-1.5), CEILING(1.2)': [3, 2.35, -2, 2],
      "SELECT YEAR('2026-02-05'), MONTH('2026-02-05'), DAY('2026-02-05')": [2026, 2, 5],
      "SELECT CONVERT(varchar(10), DATEADD(month, 1, CAST('2026-01-31' AS date)), 23)": ['2026-02-28'],
      "SELECT DATEDIFF(day, '2026-01-31 23:59', '2026-02-01'), DATEDIFF(month, '2025-12-31', '2026-01-01')": [1, 1],
      "SELECT DATEDIFF(year, '2025-12-31', '2026-01-01'), DATEDIFF(hour, '2026-01-01 00:59', '2026-01-01 01:00')": [
        1, 1,
      ],
      "SELECT DATEPART(quarter, '2026-05-01'), DATEPART(weekday, '2026-11-22'), DATENAME(month, '2026-05-01')": [
        2,
        1,
        'May',
      ],
      "SELECT CONVERT(varchar(10), EOMONTH('2028-02-03'), 23)": ['2028-02-29'],
      'SELECT DB_NAME(), @@TRANCOUNT, SUSER_SNAME()': ['SIC', 0, 'lecteur'],
      "SELECT CASE WHEN DATEDIFF(minute, GETDATE(), SYSDATETIME()) BETWEEN -1 AND 1 THEN 'now' END": ['now'],
    })
  })

  suite('queries', () => {
    answers({
      'SELECT COUNT(*) FROM Ventes': [4],
      'SELECT count(*) FROM sic.DBO.[VENTES] AS v WITH (NOLOCK)': [4],
      'SELECT COUNT(*), COUNT([Total énergie]), COUNT(DISTINCT police) FROM Ventes': [4, 3, 3],
      "SELECT POLICE FROM Ventes WHERE [N° COMPTEUR] = 'ABC  '": ['P3'],
      "SELECT POLICE FROM Ventes v WHERE v.[N° COMPTEUR] LIKE 'A_c' AND v.police NOT LIKE '%[0-2]'": ['P3'],
      "SELECT nom FROM BI_ODS.dbo.Villes WHERE nom LIKE 't%' AND habitants > 1": ['Thiès'],
      "SELECT nom FROM BI_ODS..Villes WHERE nom IN ('dakar', NULL)": ['DAKAR'],
      "SELECT COUNT(*) FROM BI_ODS..Villes WHERE nom NOT IN ('dakar', NULL)": [0],
      "SELECT COUNT(*) FROM BI_ODS..Villes WHERE nom NOT IN ('dakar')": [3],
      "SELECT COUNT(*) FROM BI_ODS..Villes WHERE nom <> 'THIÈS'": [2],
      "SELECT COUNT(*) FROM BI_ODS..Villes WHERE nom = 'thies'": [0],
      'SELECT habitants FROM BI_ODS..Villes ORDER BY nom DESC, habitants': [[1], [400000], [250000], [1200000], [7]],
      'SELECT TOP 2 habitants FROM BI_ODS..Villes ORDER BY habitants': [[1], [7]],
      'SELECT TOP (1) habitants FROM BI_ODS..Villes ORDER BY 1 DESC': [1200000],
      'SELECT habitants AS h FROM BI_ODS..Villes ORDER BY h OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY': [[7], [250000]],
      "SELECT POLICE, SUM([MONTANT_TTC]) FROM Ventes WHERE POLICE < 'P3' GROUP BY POLICE ORDER BY POLICE": [
        ['P1', 13999.5],
        ['P2', 5000.1],
      ],
      'SELECT YEAR(DATE_VENTE) AS Annee, MONTH(DATE_VENTE) AS Mois, COUNT(*) FROM Ventes GROUP BY YEAR(DATE_VENTE), MONTH(DATE_VENTE) HAVING COUNT(*) > 1':
        [2026, 2, 2],
      "SELECT POLICE FROM Ventes WHERE DATE_VENTE >= '2026-02-05T09:15:30' AND DATE_VENTE < '20260206'": ['P1'],
      'SELECT DISTINCT POLICE FROM Ventes ORDER BY POLICE DESC': [['P3'], ['P2'], ['P1']],
      'SELECT DISTINCT TOP 1 v.POLICE FROM Ventes v ORDER BY v.POLICE': ['P1'],
      'SELECT a.POLICE, b.POLICE FROM Ventes a LEFT JOIN Ventes b ON b.POLICE = a.POLICE AND b.TOKEN IS NULL WHERE a.MONTANT_TTC > 5000 ORDER BY 1':
        [
          ['P1', 'P1'],
          ['P2', null],
          ['P3', null],
        ],
      "SELECT x.n FROM (SELECT POLICE AS p, COUNT(*) AS n FROM Ventes GROUP BY POLICE) x WHERE x.p = 'p1'": [2],
      'SELECT POLICE FROM Ventes v WHERE MONTANT_TTC = (SELECT MAX(MONTANT_TTC) FROM Ventes)': ['P3'],
      'SELECT COUNT(*) FROM Ventes v WHERE EXISTS (SELECT 1 FROM BI_ODS..ADR2 WHERE ADDRNUMBER = RIGHT(v.POLICE, 1))': [
        3,
      ],
      "SELECT COUNT(*) FROM Ventes WHERE POLICE IN (SELECT 'p' + ADDRNUMBER FROM BI_ODS..ADR2)": [3],
      'SELECT 1 UNION ALL SELECT 2.5 UNION SELECT 1 ORDER BY 1 DESC': [[2.5], [1]],
      'WITH t (p, n) AS (SELECT POLICE, COUNT(*) FROM Ventes GROUP BY POLICE) SELECT p FROM t WHERE n = 2': ['P1'],
      'SELECT POLICE, ROW_NUMBER() OVER (PARTITION BY POLICE ORDER BY DATE_VENTE DESC) FROM Ventes ORDER BY 1, 2': [
        ['P1', '1'],
        ['P1', '2'],
        ['P2', '1'],
        ['P3', '1'],
      ],
      'SELECT oui FROM types WHERE oui = 1': [true],
      'SELECT AVG(habitants), SUM(habitants), MIN(nom) FROM BI_ODS..Villes WHERE habitants < 10': [4, 8, 'thiès '],
      "SELECT CAST(AVG(MONTANT_TTC) AS varchar(40)), CAST(SUM([Total énergie]) AS varchar(40)) FROM Ventes WHERE POLICE = 'P1'":
        ['6999.750000', '113.950'],
      '/* a /* nested */ comment */ SELECT 1 -- the end': [1],
      "DECLARE @a int = 5, @b nvarchar(10); SET @b = N'x'; SELECT @a + 1, @b": [6, 'x'],
      'DECLARE @n int; SELECT @n = COUNT(*) FROM Ventes; SELECT @n': [4],
    })

    test('an INSERT adds rows', async () => {
      const result = await pool.query(
        "INSERT INTO compteurs_app_mobile (numero, type_compteur) VALUES (N'01', 1), ('02', '2')",
      )
      assert.deepEqual(result.rowsAffected, [2])
      assert.deepEqual(await rowsOf('SELECT numero, type_compteur FROM compteurs_app_mobile ORDER BY numero'), [
        ['01', 1],
        ['02', 2],
      ])
    })

    test('names come back as the query writes them, and from * as the table does', async () => {
      const named = await pool.query(
        "SELECT police, [total énergie], 1 AS [a b], [c] = 2 FROM Ventes WHERE POLICE = 'P2'",
      )
      assert.deepEqual(named.recordset, [{ police: 'P2', 'total énergie': null, 'a b': 1, c: 2 }])
      const all = await pool.query("SELECT TOP 1 * FROM Ventes WHERE POLICE = 'P2'")
      assert.deepEqual(Object.keys(all.recordset.columns), [
        'N° COMPTEUR',
        'POLICE',
        'DATE_VENTE',
        'Total énergie',
        'MONTANT_TTC',
        'TOKEN',
      ])
    })

    test('a batch of several statements has a result for each', async () => {
      const result = await pool.query(
        'SET NOCOUNT ON; SELECT 1 AS a SELECT 2 AS b; SELECT POLICE FROM Ventes WHERE 1 = 0',
      )
      assert.deepEqual(result.recordsets, [[{ a: 1 }], [{ b: 2 }], []])
    })
  })

  suite('errors', () => {
    const cases: Record<string, [number: number, message: RegExp, severity?: number, state?: number]> = {
      'SELEC 1': [102, /^Incorrect syntax near 'SELEC'\.$/, 15, 1],
      'SELECT FROM Ventes': [102, /near 'FROM'/, 15],
      'SELECT 1 FROM': [102, /near 'FROM'/],
      'SELECT a = 1 = 2': [102, /near '='/],
      'SELECT 1 = 1': [102, /near '='/],
      'SELECT * FROM Ventes WHERE MONTANT_TTC': [4145, /condition is expected/, 15],
      'SELECT TOP 1 PERCENT * FROM Ventes': [102, /near 'PERCENT'/],
      'UPDATE Ventes SET POLICE = 1': [102, /near 'UPDATE'/],
      'DROP TABLE Ventes': [102, /near 'DROP'/],
      "SELECT 'open": [105, /Unclosed quotation mark/, 15],
      'SELECT /* open': [113, /end comment/, 15],
      'SELECT * FROM nulle_part': [208, /^Invalid object name 'nulle_part'\.$/, 16, 1],
      'SELECT * FROM SIC.autre.Ventes': [208, /SIC\.autre\.Ventes/],
      'SELECT * FROM AILLEURS.dbo.Ventes': [911, /'AILLEURS'/],
      'SELECT rien FROM Ventes': [207, /^Invalid column name 'rien'\.$/, 16, 1],
      'SELECT x.POLICE FROM Ventes': [4104, /"x\.POLICE"/],
      'SELECT POLICE FROM Ventes a JOIN Ventes b ON a.POLICE = b.POLICE': [209, /Ambiguous column name 'POLICE'/],
      'SELECT 1 / 0': [8134, /^Divide by zero error encountered\.$/, 16, 1],
      'SELECT @x': [137, /^Must declare the scalar variable "@x"\.$/, 15, 2],
      "SELECT 1 WHERE 'abc' = 1": [
        245,
        /^Conversion failed when converting the nvarchar value 'abc' to data type int\.$/,
        16,
        1,
      ],
      "SELECT CAST('abc' AS decimal(10, 2))": [8114, /to numeric/],
      "SELECT CAST('2026-99-99' AS datetime)": [242, /out-of-range/],
      "SELECT CAST('hier' AS datetime)": [241, /date and\/or time/],
      'SELECT CAST(1234.5 AS decimal(3, 1))': [8115, /numeric/],
      'SELECT 2147483647 + 1': [8115, /int/],
      'SELECT CAST(123.45 AS varchar(3))': [8115, /Arithmetic overflow/],
      'SELECT INVENTEE(1)': [195, /'INVENTEE' is not a recognized built-in function name/, 15, 10],
      'SELECT TRY_CAST(1 AS int)': [102, /near 'AS'/],
      'SELECT CAST(1 AS monnaie)': [243, /Type monnaie/],
      'SELECT LEN()': [174, /requires 1 argument/, 15],
      "SELECT CONVERT(varchar(10), CAST('2026-01-01' AS datetime), 999)": [281, /999/],
      "SELECT CAST('2026-01-01' AS date) + 1": [402, /incompatible in the add operator/],
      'SELECT POLICE, COUNT(*) FROM Ventes': [8120, /POLICE/],
      'SELECT DISTINCT POLICE FROM Ventes ORDER BY MONTANT_TTC': [145, /ORDER BY items/],
      'SELECT 1 UNION SELECT 1, 2': [205, /equal number/],
      'SELECT (SELECT POLICE FROM Ventes)': [512, /more than 1 value/],
      'SELECT (SELECT 1, 2)': [116, /Only one expression/],
      'SELECT *': [263, /table to select from/],
      'SELECT * FROM Ventes ORDER BY 99': [108, /99/],
      'EXEC sp_help': [102, /near 'EXEC'/],
      'USE nulle_part': [911, /'nulle_part'/],
      COMMIT: [3902, /no corresponding BEGIN TRANSACTION/],
      'SET DATEFORMAT dmy': [2741, /'dmy'/],
      "INSERT INTO compteurs_app_mobile (numero) VALUES ('1')": [515, /type_compteur/],
    }
    for (const [statement, [number, message, severity, state]] of Object.entries(cases)) {
      test(statement, async () => {
        await assert.rejects(pool.query(statement), (error: unknown) => {
          assert.ok(error instanceof sql.RequestError, String(error))
          assert.deepEqual(
            [error.number, message.test(error.message)],
            [number, true],
            `${error.number} ${error.message}`,
          )
          if (severity !== undefined) assert.equal(error.class, severity)
          if (state !== undefined) assert.equal(error.state, state)
          return true
        })
      })
    }

    test('an error names the server and the line', async () => {
      await assert.rejects(pool.query('SELECT 1;\n\nSELECT rien\nFROM Ventes'), (error: unknown) => {
        assert.ok(error instanceof sql.RequestError)
        assert.deepEqual([error.serverName, error.lineNumber], ['SIC-SIMULATOR', 3])
        return true
      })
    })

    test('the connection is as good as before after an error', async () => {
      await assert.rejects(pool.query('SELECT 1 / 0'))
      assert.deepEqual(await rowsOf('SELECT 1'), [[1]])
    })
  })
})
