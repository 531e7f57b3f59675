import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import fc from 'fast-check'
import pg from 'pg'
import { copyIn, copyText } from '#src/database/copy-in.ts'
import { type TestDatabase, testDatabase } from '#test/support/database.ts'

/** Far more than could be sent before the answer is there. */
const MANY = 50_000_000

suite('COPY into a table', () => {
  let database: TestDatabase
  let client: pg.Client

  before(async () => {
    database = await testDatabase({ empty: true })
    client = new pg.Client({ connectionString: database.url })
    await client.connect()
    await client.query('create table copied (place integer primary key, value text)')
  })
  after(async () => {
    await client.end()
    await database.close()
  })

  const copy = (lines: Iterable<string>): Promise<number> =>
    copyIn(client, 'copy copied (place, value) from stdin', lines)
  const stored = async () => (await client.query('select place, value from copied order by place')).rows

  test('any text arrives as it left, and null as null', async () => {
    const text = fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\0', '').toWellFormed())
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(text)), async (values) => {
        await client.query('truncate copied')
        assert.equal(await copy(values.map((value, place) => `${place}\t${copyText(value)}\n`)), values.length)
        assert.deepEqual(
          await stored(),
          values.map((value, place) => ({ place, value })),
        )
      }),
      { numRuns: 50 },
    )
  })

  test('more than any buffer holds arrives whole, and is made as it is taken', async () => {
    await client.query('truncate copied')
    const value = 'x'.repeat(1_000)
    const lines = function* () {
      for (let place = 0; place < 20_000; place += 1) yield `${place}\t${value}\n`
    }
    assert.equal(await copy(lines()), 20_000)
    const { rows } = await client.query('select sum(length(value))::int as length from copied')
    assert.equal(rows[0].length, 20_000_000)
  })

  test('a row that is refused leaves nothing, and the connection goes on', async () => {
    await client.query('truncate copied')
    let made = 0
    const lines = function* () {
      for (; made < MANY; made += 1) yield `${made === 10 ? 9 : made}\t${'x'.repeat(1_000)}\n`
    }
    await assert.rejects(copy(lines()), /duplicate key/)
    assert.ok(made < MANY, 'rows are not made for a server that has given up')
    assert.deepEqual(await stored(), [])
  })

  test('a row that cannot be made leaves nothing, and its own error is told', async () => {
    await client.query('truncate copied')
    const lines = function* () {
      yield '1\tone\n'
      throw new RangeError('no such row')
    }
    await assert.rejects(copy(lines()), /no such row/)
    assert.deepEqual(await stored(), [])
  })

  test('a statement that is none is refused', async () => {
    await assert.rejects(copyIn(client, 'copy nowhere from stdin', []), /nowhere/)
    assert.equal(await copy([]), 0)
  })

  test('a connection that is lost is told', async () => {
    const other = new pg.Client({ connectionString: database.url })
    await other.connect()
    other.on('error', () => {})
    const { rows } = await other.query('select pg_backend_pid() as pid')
    let ended: Promise<unknown> | undefined
    const lines = function* () {
      yield '1\tone\n'
      ended = client.query('select pg_terminate_backend($1)', [rows[0].pid])
      for (let place = 2; place < MANY; place += 1) yield `${place}\t${'x'.repeat(1_000)}\n`
    }
    await assert.rejects(copyIn(other, 'copy copied (place, value) from stdin', lines()))
    await ended
  })
})

test('a server that takes everything at once leaves the process its turns', async () => {
  let [turns, chunks] = [0, 0]
  const ended = Promise.withResolvers<void>()
  const connection = {
    sendCopyFromChunk: () => {
      chunks += 1
      setImmediate(() => (turns += 1))
    },
    endCopyFrom: () => ended.resolve(),
    stream: { writableNeedDrain: false, destroyed: false },
  }
  const client = {
    query(copying: { handleCopyInResponse(taker: typeof connection): void }) {
      copying.handleCopyInResponse(connection)
      return copying
    },
  }
  const lines = Array.from({ length: 1_000 }, () => `${'x'.repeat(1_000)}\n`)
  void copyIn(client as unknown as pg.ClientBase, 'copy copied from stdin', lines)
  await ended.promise
  assert.ok(chunks > 10 && turns >= chunks - 1, `${turns} turns of the event loop in ${chunks} chunks`)
})
