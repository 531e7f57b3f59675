import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { Encryption } from '#src/simulators/sic/tds/prelogin.ts'
import { LOGIN, PASSWORD, type SicFixture, startSic } from './sic-fixture.ts'

/** A client that nobody here wrote: FreeTDS and its program `tsql`. */

interface Outcome {
  readonly exitCode: number | null
  readonly output: string
}

const MISSING = 'The program tsql of FreeTDS is needed to test the SIC simulator: apt-get install freetds-bin'

/** Runs batches in tsql; its own encryption setting is `off`, `request` (login only, if nothing more) or `require`. */
async function tsql(
  sic: SicFixture,
  batches: string[],
  { encryption = 'request', database = 'SIC', password = PASSWORD, version = '7.4' } = {},
): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'samaconso-freetds-'))
  const settings = join(folder, 'freetds.conf')
  const { port } = sic.server
  const lines = [
    'host = 127.0.0.1',
    `port = ${port}`,
    `tds version = ${version}`,
    `encryption = ${encryption}`,
    'client charset = UTF-8',
  ]
  await writeFile(settings, `[sic]\n${lines.join('\n')}\n`)
  try {
    return await run(['-S', 'sic', '-U', LOGIN, '-P', password, '-D', database, '-o', 'q'], batches, {
      ...process.env,
      FREETDSCONF: settings,
      LC_ALL: 'C.UTF-8',
    })
  } finally {
    await rm(folder, { recursive: true })
  }
}

function run(parameters: string[], batches: string[], env: NodeJS.ProcessEnv): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn('tsql', parameters, { env })
    const output: string[] = []
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (text: string) => output.push(text))
    }
    child.on('error', (error: NodeJS.ErrnoException) => reject(error.code === 'ENOENT' ? new Error(MISSING) : error))
    child.on('close', (exitCode) => resolve({ exitCode, output: output.join('') }))
    child.stdin.on('error', () => undefined)
    child.stdin.end(batches.map((batch) => `${batch}\ngo\n`).join(''))
  })
}

const servedBy: Record<Encryption, Record<'off' | 'request' | 'require', boolean>> = {
  off: { off: true, request: true, require: false },
  login: { off: true, request: true, require: true },
  all: { off: false, request: true, require: true },
}

for (const [server, clients] of Object.entries(servedBy)) {
  suite(`FreeTDS and a server with encryption ${server}`, () => {
    let sic: SicFixture
    before(async () => {
      sic = await startSic(server as Encryption)
    })
    after(() => sic.close())
    for (const [encryption, isServed] of Object.entries(clients)) {
      test(`a client with encryption ${encryption} is ${isServed ? 'served' : 'turned away'}`, async () => {
        const { exitCode, output } = await tsql(sic, ['SELECT 1 AS un'], { encryption })
        assert.equal(exitCode, isServed ? 0 : 1, output)
        assert.equal(output.includes('un\n1\n'), isServed, output)
      })
    }
  })
}

suite('FreeTDS', () => {
  let sic: SicFixture
  before(async () => {
    sic = await startSic('login')
  })
  after(() => sic.close())

  test('rows arrive with their accents, exact decimals and NULLs', async () => {
    const { output } = await tsql(sic, [
      'SELECT [N° COMPTEUR], [Total énergie], MONTANT_TTC, TOKEN FROM Ventes ORDER BY DATE_VENTE DESC',
    ])
    assert.deepEqual(output.split('\n').slice(0, -1), [
      'N° COMPTEUR\tTotal énergie\tMONTANT_TTC\tTOKEN',
      '01000000001\tNULL\t5000.10\tRéf. é',
      '01000000001\t0.050\t-0.50\tNULL',
      '01000000001\t113.900\t14000.00\t1234 5678 9012 3456 7890',
      'abc\t999999999999999.999\t9999999999999999.99\t',
    ])
  })

  test('every type arrives', async () => {
    const { output } = await tsql(sic, [
      'SELECT petit, entier, grand, oui, reel, exact, texte, code, id, octets, jour FROM types WHERE oui = 1',
    ])
    assert.equal(
      output.split('\n')[1],
      [
        '-32768\t2147483647\t9007199254740993\t1\t1.5\t1234567890123456789012345678.0123456789',
        'Où ça ? À Thiès… €\tab  \t6F9619FF-8B86-D011-B42D-00C04FC964FF\t00ff10\tFeb 28 2026 12:00AM',
      ].join('\t'),
    )
  })

  test('an older dialect is spoken, too', async () => {
    const { exitCode, output } = await tsql(sic, ['SELECT 1 AS un'], { version: '7.3' })
    assert.deepEqual([exitCode, output], [0, 'un\n1\n'])
  })

  test('errors arrive with number, severity, state and server', async () => {
    const { output } = await tsql(sic, ['SELEC 1', 'SELECT rien FROM Ventes', 'SELECT 1/0'])
    assert.match(
      output,
      /Msg 102 \(severity 15, state 1\) from SIC-SIMULATOR Line 1:\n\t"Incorrect syntax near 'SELEC'\."/,
    )
    assert.match(
      output,
      /Msg 207 \(severity 16, state 1\) from SIC-SIMULATOR Line 1:\n\t"Invalid column name 'rien'\."/,
    )
    assert.match(output, /Msg 8134 /)
  })

  test('a database is changed, and a procedure unknown', async () => {
    const { output } = await tsql(sic, ['USE bi_ods', 'SELECT DB_NAME() AS db', "PRINT N'ça va'"])
    assert.match(output, /db\nBI_ODS\n/)
    assert.match(output, /ça va/)
  })

  test('an unknown database is error 4060 and then 18456', async () => {
    const { exitCode, output } = await tsql(sic, [], { database: 'NULLE_PART' })
    assert.equal(exitCode, 1)
    assert.match(output, /Msg 4060 \(severity 11, state 1\)[^]*"NULLE_PART"[^]*Msg 18456 \(severity 14, state 1\)/)
  })

  test('a wrong password is error 18456', async () => {
    const { exitCode, output } = await tsql(sic, [], { password: 'faux' })
    assert.equal(exitCode, 1)
    assert.match(output, /Msg 18456 \(severity 14, state 1\)[^]*Login failed for user 'lecteur'/)
  })
})
