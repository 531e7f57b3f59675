import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { after, before, suite, test } from 'node:test'
import { sql } from 'kysely'
import type { Db } from '#src/database/database.ts'
import type { App } from '#src/http/app.ts'
import { aHousehold, type ConsumptionApi, consumptionApi, tokenOf } from '#test/support/consumption-api.ts'
import { aBill, aSale } from '#test/support/consumption-sources.ts'
import { aTurn } from '#test/support/event-loop.ts'

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

/** The API on a socket. */
async function listening(parts: Parameters<ConsumptionApi['another']>[0] = {}) {
  const app = await api.another(parts)
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  return { app, address }
}

/** Of what is read for an export, the second page cannot be understood: it fails when the first is on its way. */
function withBrokenPage(db: Db): Db {
  return db.withPlugin({
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      const rows = result.rows.map((row, place) => (place === 1 && 'page' in row ? { ...row, page: '[[' } : row))
      return { ...result, rows }
    },
  })
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
    const { app, address } = await listening({ db: withBrokenPage(api.db) })
    const path = pathOf(`format=${format}&meter_id=${household.meters[0]?.id}`)
    const cut = await fetch(address + path, { headers: tokenOf(household) })
    assert.equal(cut.status, 200)
    await assert.rejects(cut.text(), { name: 'TypeError', message: 'terminated' })
    assert.match(api.log.text(), new RegExp(`"${cut.headers.get('x-request-id')}".*an export was cut off`))
    assert.equal((await overHttp10(address, path)).failure, 'ECONNRESET')
    await app.close()
  })
}

suite('a client that does not take its export', () => {
  let long: Awaited<ReturnType<typeof aHousehold>>
  const longPath = (): string => `/api/consumption/${long.id}/export?from=2025-03-01&to=2027-01-01`

  before(async () => {
    long = await aHousehold(api.db, 'prepaid')
    const [meter] = long.meters
    assert.ok(meter)
    api.sic.add(meter.key, aSale('2026-03-01T00:00:00Z', '1.5', '100'))
    assert.equal((await api.read(long)).statusCode, 200)
    await giveLongHistory(meter.id)
  })

  /** One that has asked and reads nothing, and the server's side of it, which has begun to answer. */
  async function deafClient(app: App) {
    const asked = once(app.server, 'request') as Promise<[unknown, ServerResponse]>
    const { port } = app.server.address() as AddressInfo
    const client = connect(port, '127.0.0.1')
    const failed = once(client, 'error')
    client.pause()
    const { authorization } = tokenOf(long)
    client.write(
      `GET ${longPath()} HTTP/1.1\r\nhost: x\r\nx-request-id: deaf\r\nauthorization: ${authorization}\r\n\r\n`,
    )
    const [, response] = await asked
    const [source] = (await once(response, 'pipe')) as [Readable]
    const socket = response.socket as Socket
    return { client, failed, response, source, socket }
  }

  test('and reads no more is cut off after a while, which is logged, and nothing is kept for it', async () => {
    const { app } = await listening()
    const { client, failed, source, socket } = await deafClient(app)
    assert.equal(socket.timeout, 60_000)
    const closed = Promise.all([once(source, 'close'), once(socket, 'close')])
    // The same timer, before its time.
    socket.setTimeout(1)
    await closed
    assert.equal(source.destroyed, true)
    assert.match(api.log.text(), /"deaf".*an export was cut off: its client had stopped reading/)
    client.resume()
    assert.equal(((await failed)[0] as NodeJS.ErrnoException).code, 'ECONNRESET')
    await app.close()
  })

  test('but reads on gets all of it, on a connection that then waits for the next request', async () => {
    const { app } = await listening()
    const { client, response, socket } = await deafClient(app)
    while (!response.writableNeedDrain) await aTurn()
    let tail = ''
    const [ended, finished] = [Promise.withResolvers<void>(), once(response, 'finish')]
    client.setEncoding('latin1').on('data', (part) => {
      tail = (tail + String(part)).slice(-100)
      if (tail.endsWith('\r\n0\r\n\r\n')) ended.resolve()
    })
    client.resume()
    await Promise.all([ended.promise, finished])
    assert.match(tail, /x\d+\r\n\r\n0\r\n\r\n$/)
    assert.ok((socket.timeout ?? 0) > 60_000)
    client.destroy()
    await app.close()
  })

  test('has two at most: the third is refused until one of them has ended, and nobody else is', async () => {
    const { app } = await listening()
    const [first, second] = [await deafClient(app), await deafClient(app)]
    const third = () => api.get(long, `/api/consumption/${long.id}/export?from=2026-03-01&to=2026-04-01`, { app })
    const refused = await third()
    assert.deepEqual([refused.statusCode, refused.json().code], [429, 'export/too-many'])
    assert.equal(refused.headers['retry-after'], '10')
    assert.equal((await api.get(household, pathOf('format=csv'), { app })).statusCode, 200)
    const closed = once(first.response, 'close')
    first.client.destroy()
    await closed
    assert.equal((await third()).statusCode, 200)
    second.client.destroy()
    await app.close()
  })

  test('and leaves is no failure, and nothing is kept for it', async () => {
    const { app } = await listening()
    const logged = api.log.text().split('an export was cut off').length
    const { client, source } = await deafClient(app)
    const closed = once(source, 'close')
    client.destroy()
    await closed
    assert.equal(source.destroyed, true)
    await app.close()
    assert.equal(api.log.text().split('an export was cut off').length, logged)
  })
})

/** Entries of 2 kB each: more than sockets hold. */
async function giveLongHistory(meterId: string): Promise<void> {
  await sql`
    insert into consumption_entry (meter_id, day, source_key, occurred_at, energy_kwh, amount_xof, delivered, fetched_at)
    select ${meterId}::uuid, '2026-06-01'::date + place % 200, lpad(place::text, 2000, 'x'), now(), 1, 1, '{}', now()
    from generate_series(1, 10000) as place`.execute(api.db)
}
