import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { aHousehold, type ConsumptionApi, consumptionApi, tokenOf } from '#test/support/consumption-api.ts'
import { aBill, aSale } from '#test/support/consumption-sources.ts'

/** More than two pages of the export. */
const SALES = 1_203
/** With the header, the bill, and nothing behind the last line's end. */
const LINES = SALES + 3

let api: ConsumptionApi
let household: Awaited<ReturnType<typeof aHousehold>>

before(async () => {
  api = await consumptionApi()
  household = await aHousehold(api.db, 'prepaid', 'postpaid')
  const [prepaid, postpaid] = household.meters
  assert.ok(prepaid && postpaid)
  const first = Date.parse('2025-03-01T00:00:00Z')
  for (let place = 0; place < SALES; place += 1) {
    api.sic.add(prepaid.key, aSale(new Date(first + place * 3_600_000).toISOString(), '1.5', '100'))
  }
  api.postpaid.add(postpaid.number, aBill('2026-01-01', '12', '2000'))
})
after(() => api[Symbol.asyncDispose]())

const pathOf = (query: string): string =>
  `/api/consumption/${household.id}/export?from=2025-03-01&to=2027-01-01&${query}`

/** The table that the pages are read from, as a query names it. */
const PAGED = '"consumption_entry"'

/** The API on a socket; its reads of pages are counted, and the one of this number fails. */
async function listening(failingPage = Number.POSITIVE_INFINITY) {
  const read = { pages: 0 }
  const db = api.db.withPlugin({
    transformQuery: ({ node }) => {
      const isPage = node.kind === 'SelectQueryNode' && node.limit !== undefined && JSON.stringify(node).includes(PAGED)
      if (isPage && ++read.pages === failingPage) throw new Error('the database went away')
      return node
    },
    transformResult: async ({ result }) => result,
  })
  const app = await api.another({ db })
  return { app, read, address: await app.listen({ host: '127.0.0.1', port: 0 }) }
}

/** What a client of HTTP/1.0 gets, whose answer ends when the connection does. */
function overHttp10(address: string, path: string): Promise<{ text: string; failure: string | undefined }> {
  const { hostname, port } = new URL(address)
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(Number(port), hostname)
    socket.setEncoding('latin1').on('data', (part) => (text += String(part)))
    socket.on('error', (error: NodeJS.ErrnoException) => resolve({ text, failure: error.code }))
    socket.on('end', () => resolve({ text, failure: undefined }))
    socket.write(`GET ${path} HTTP/1.0\r\nauthorization: ${tokenOf(household).authorization}\r\n\r\n`)
  })
}

test('an export goes out in parts', async () => {
  const { app, address } = await listening()
  const whole = await fetch(address + pathOf('format=csv'), { headers: tokenOf(household) })
  assert.equal(whole.headers.get('content-length'), null)
  assert.equal((await whole.text()).split('\r\n').length, LINES)
  const { text, failure } = await overHttp10(address, pathOf('format=csv'))
  assert.deepEqual([text.split('\r\n\r\n')[1]?.split('\r\n').length, failure], [LINES, undefined])
  await app.close()
})

test('how long a client takes to fetch an export is no measure of the server', async () => {
  const { app, address } = await listening()
  await (await fetch(address + pathOf('format=csv'), { headers: tokenOf(household) })).text()
  const metrics = await (await fetch(`${address}/metrics`)).text()
  const ofExports = metrics.split('\n').filter((line) => line.includes('/export"') && !line.startsWith('#'))
  assert.ok(
    ofExports.some((line) => line.startsWith('http_responses_total')),
    metrics,
  )
  assert.ok(
    ofExports.every((line) => !line.includes('duration')),
    ofExports.join('\n'),
  )
  await app.close()
})

for (const format of ['csv', 'json', 'espi']) {
  test(`a failure midway breaks the connection, so that no part of ${format} looks whole`, async () => {
    const { app, address, read } = await listening(2)
    const cut = await fetch(address + pathOf(`format=${format}`), { headers: tokenOf(household) })
    assert.equal(cut.status, 200)
    await assert.rejects(cut.text(), { name: 'TypeError', message: 'terminated' })
    assert.equal(read.pages, 2)
    assert.match(api.log.text(), new RegExp(`"${cut.headers.get('x-request-id')}".*an export was cut off`))
    read.pages = 0
    assert.equal((await overHttp10(address, pathOf(`format=${format}`))).failure, 'ECONNRESET')
    await app.close()
  })
}

test('an export is read no further than the client reads, and no more once the client has left', async () => {
  const { app, address, read } = await listening()
  const cutBefore = api.log.text().split('an export was cut off').length
  const [prepaid, postpaid] = household.meters
  assert.ok(prepaid && postpaid)
  await giveLongHistory(prepaid.id)
  const closed = new Promise<void>((resolve) =>
    app.server.once('connection', (socket) => socket.once('close', () => resolve())),
  )
  const leaving = new AbortController()
  const left = await fetch(address + pathOf(`meter_id=${prepaid.id}`), {
    headers: tokenOf(household),
    signal: leaving.signal,
  })
  assert.equal(left.status, 200)
  leaving.abort()
  await closed
  const another = () => fetch(address + pathOf(`meter_id=${postpaid.id}`), { headers: tokenOf(household) })
  await another()
  const pages = read.pages
  assert.ok(pages < LONG_PAGES, `${pages} pages`)
  await another()
  assert.equal(read.pages, pages + 1)
  await app.close()
  assert.equal(api.log.text().split('an export was cut off').length, cutBefore)
})

const LONG_PAGES = 40

/** Entries of 2 kB each, a megabyte to a page: more than sockets hold. */
async function giveLongHistory(meterId: string): Promise<void> {
  await sql`
    insert into consumption_entry (meter_id, day, source_key, occurred_at, energy_kwh, amount_xof, delivered, fetched_at)
    select ${meterId}::uuid, '2026-06-01'::date + place % 200, lpad(place::text, 2000, 'x'), now(), 1, 1, '{}', now()
    from generate_series(1, ${LONG_PAGES * 500}::int) as place`.execute(api.db)
}
