import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anAgency, aLink, aMeter } from '#test/support/factories.ts'
import { aMessage } from '#test/support/inbox-messages.ts'
import { aPerson, type Caller } from '#test/support/notification-people.ts'
import { notificationsWorld, toUser, toUsers } from '#test/support/notifications-api.ts'

const { api, admin } = await notificationsWorld()

interface Inbox {
  readonly items: readonly { readonly id: string; readonly read_at: string | null }[]
  readonly unread: number
  readonly next_cursor: string | null
}

async function aCustomer(): Promise<Caller> {
  return { ...(await aPerson(api.database)), role: 'customer' }
}

/** Before, personal messages alone are in the inbox: of broadcasts, nobody sees those that are older than the account. */
async function seesBroadcasts({ id }: Caller): Promise<void> {
  await api.time.pass(1)
  const now = new Date(api.time.now())
  await api.database.db.updateTable('account').set({ created_at: now }).where('id', '=', id).execute()
}

async function inbox(owner: Caller, query = ''): Promise<Inbox> {
  const answer = await api.get(owner, `/api/users/${owner.id}/notifications${query}`)
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json<Inbox>()
}

async function sendTo(owners: readonly Caller[], fields: object = {}): Promise<string> {
  const answer = await api.send(
    admin,
    toUsers(
      owners.map(({ id }) => id),
      fields,
    ),
  )
  assert.equal(answer.statusCode, 202, answer.body)
  return answer.json<{ id: string }>().id
}

const idsOf = ({ items }: Inbox): string[] => items.map(({ id }) => id)

test('an item is what was sent, at once and without any push', async () => {
  const awa = await aCustomer()
  const sent = await api.send(admin, toUser(awa.id, { data: { zone: 'Médina' }, priority: 'low' }))
  const { id } = sent.json<{ id: string }>()
  const createdAt = new Date(api.time.now()).toISOString()
  assert.deepEqual(await inbox(awa), {
    items: [
      {
        id,
        type: 'general',
        title: 'Coupure programmée',
        body: 'Demain de 8 h à 14 h.',
        data: { zone: 'Médina' },
        priority: 'low',
        created_at: createdAt,
        read_at: null,
      },
    ],
    unread: 1,
    next_cursor: null,
  })
})

test('pages follow each other, newest first, and do not move when more arrives', async () => {
  const awa = await aCustomer()
  const sent: string[] = []
  for (let count = 0; count < 25; count += 1) {
    sent.push(await sendTo([awa]))
    // Several in one millisecond, so that the order among them is put to the test too.
    if (count % 3 === 0) await api.time.pass(1)
  }
  const first = await inbox(awa)
  assert.equal(first.items.length, 20)
  assert.equal(first.unread, 25)
  await api.time.pass(1)
  const late = await sendTo([awa])
  const second = await inbox(awa, `?cursor=${first.next_cursor}`)
  assert.equal(second.next_cursor, null)
  const listed = [...idsOf(first), ...idsOf(second)]
  assert.deepEqual(new Set(listed), new Set(sent))
  assert.equal(listed.length, 25)
  assert.equal(idsOf(await inbox(awa, '?limit=1'))[0], late)
  const times = [...first.items, ...second.items].map((item) => (item as unknown as { created_at: string }).created_at)
  assert.deepEqual(times, times.toSorted().toReversed())
})

test('a page that ends with the list has no next, and every limit walks the same list', async () => {
  const awa = await aCustomer()
  for (let count = 0; count < 6; count += 1) await sendTo([awa])
  const whole = idsOf(await inbox(awa, '?limit=6'))
  for (const limit of [1, 2, 3, 4, 6]) {
    const walked: string[] = []
    let query = `?limit=${limit}`
    for (;;) {
      const page = await inbox(awa, query)
      walked.push(...idsOf(page))
      if (page.next_cursor === null) break
      query = `?limit=${limit}&cursor=${page.next_cursor}`
    }
    assert.deepEqual(walked, whole)
  }
})

test('read by one is read by that one only, and the first reading counts', async () => {
  const [awa, moussa] = [await aCustomer(), await aCustomer()]
  const id = await sendTo([awa, moussa])
  const readAt = new Date(api.time.now()).toISOString()
  assert.equal((await api.put(awa, `/api/notifications/${id}/read`)).statusCode, 204)
  await api.time.pass(1_000)
  assert.equal((await api.put(awa, `/api/notifications/${id}/read`)).statusCode, 204)
  const [ofAwa, ofMoussa] = [await inbox(awa), await inbox(moussa)]
  assert.deepEqual([ofAwa.unread, ofAwa.items[0]?.read_at], [0, readAt])
  assert.deepEqual([ofMoussa.unread, ofMoussa.items[0]?.read_at], [1, null])
  assert.deepEqual((await inbox(awa, '?unread=true')).items, [])
  assert.equal((await inbox(awa, '?unread=false')).items.length, 1)
  assert.equal((await inbox(moussa, '?unread=true')).items.length, 1)
})

test('nobody reads, or marks, what is not theirs', async () => {
  const [awa, moussa] = [await aCustomer(), await aCustomer()]
  const id = await sendTo([awa])
  for (const stranger of [moussa, admin]) {
    assert.equal((await api.get(stranger, `/api/users/${awa.id}/notifications`)).statusCode, 404)
    assert.equal((await api.put(stranger, `/api/notifications/${id}/read`)).statusCode, 404)
    assert.equal((await api.put(stranger, `/api/notifications/${crypto.randomUUID()}/read`)).statusCode, 404)
    assert.equal((await api.put(stranger, '/api/notifications/x/read')).statusCode, 404)
  }
  assert.equal((await inbox(awa)).unread, 1)
})

test('personal messages and broadcasts are one list, with the same pages, count and receipts', async () => {
  const { db } = api.database
  const [awa, moussa] = [await aCustomer(), await aCustomer()]
  const agency = await anAgency(db)
  for (let meters = 0; meters < 2; meters += 1) {
    await aLink(db, { meterId: (await aMeter(db, { agencyId: agency.id })).id, accountId: awa.id })
  }
  await aMessage(db, { at: api.time.now(), title: 'older than the accounts' })
  await seesBroadcasts(awa)
  await seesBroadcasts(moussa)
  const sent: string[] = []
  for (let count = 0; count < 12; count += 1) {
    const kind = [{ to: [awa.id] }, {}, { agencyId: agency.id }][count % 3]
    // Two in each millisecond, so that kinds are put in order by their ids too.
    const at = api.time.now() + Math.floor(count / 2)
    sent.push(await aMessage(db, { ...kind, at }))
  }
  await aMessage(db, { at: api.time.now() + 60_000, title: 'not yet' })
  await api.time.pass(100)
  for (const limit of [1, 5, 12]) {
    const walked: Inbox['items'][number][] = []
    let query = `?limit=${limit}`
    for (;;) {
      const page = await inbox(awa, query)
      assert.equal(page.unread, 12)
      walked.push(...page.items)
      if (page.next_cursor === null) break
      query = `?limit=${limit}&cursor=${page.next_cursor}`
    }
    assert.deepEqual(walked.map(({ id }) => id).toSorted(), sent.toSorted())
    const order = walked.map((item) => `${(item as unknown as { created_at: string }).created_at} ${item.id}`)
    assert.deepEqual(order, order.toSorted().toReversed())
  }
  const broadcast = sent[1] ?? ''
  assert.equal((await api.put(awa, `/api/notifications/${broadcast}/read`)).statusCode, 204)
  assert.equal((await inbox(awa, '?limit=100')).items.find(({ id }) => id === broadcast)?.read_at !== null, true)
  const unread = await inbox(awa, '?unread=true&limit=100')
  assert.deepEqual([unread.unread, unread.items.length, idsOf(unread).includes(broadcast)], [11, 11, false])
  assert.equal((await inbox(moussa)).unread, 4)
  assert.equal((await api.put(moussa, `/api/notifications/${sent[2] ?? ''}/read`)).statusCode, 404)
  assert.equal((await api.put(admin, `/api/notifications/${broadcast}/read`)).statusCode, 404)
})

test('a broadcast that was cancelled is shown if some of it was sent, and not otherwise', async () => {
  const { db } = api.database
  const awa = await aCustomer()
  await seesBroadcasts(awa)
  const now = new Date(api.time.now())
  const [withdrawn, begun] = [await aMessage(db, { at: api.time.now() }), await aMessage(db, { at: api.time.now() })]
  await db
    .updateTable('notification')
    .set({ state: 'cancelled', cancelled_at: now })
    .where('id', 'in', [withdrawn, begun])
    .execute()
  await db.updateTable('notification').set({ fanned_out_through: awa.id }).where('id', '=', begun).execute()
  const page = await inbox(awa)
  assert.deepEqual([idsOf(page), page.unread], [[begun], 1])
  assert.equal((await api.put(awa, `/api/notifications/${withdrawn}/read`)).statusCode, 404)
})

test('a disabled customer, and a revoked link, have no broadcasts', async () => {
  const { db } = api.database
  const awa = await aCustomer()
  const agency = await anAgency(db)
  await aLink(db, { meterId: (await aMeter(db, { agencyId: agency.id })).id, accountId: awa.id })
  await seesBroadcasts(awa)
  await aMessage(db, { agencyId: agency.id, at: api.time.now() })
  await aMessage(db, { at: api.time.now() })
  assert.equal((await inbox(awa)).unread, 2)
  await db.updateTable('meter_link').set({ state: 'revoked' }).where('account_id', '=', awa.id).execute()
  assert.equal((await inbox(awa)).unread, 1)
  await db.updateTable('account').set({ disabled_at: new Date() }).where('id', '=', awa.id).execute()
  assert.equal((await inbox(awa)).unread, 0)
})

test('all is marked as read, or what is not newer than a message', async () => {
  const { db } = api.database
  const [awa, moussa] = [await aCustomer(), await aCustomer()]
  await seesBroadcasts(awa)
  await seesBroadcasts(moussa)
  for (let count = 0; count < 6; count += 1) {
    const at = api.time.now() + count
    await aMessage(db, count % 2 === 0 ? { at } : { at, to: [awa.id, moussa.id] })
  }
  await api.time.pass(100)
  const third = (await inbox(awa)).items[3] as unknown as { created_at: string }
  const path = `/api/users/${awa.id}/notifications/read`
  assert.equal((await api.put(awa, `${path}?until=${third.created_at}`)).statusCode, 204)
  const half = await inbox(awa)
  assert.deepEqual(
    [half.unread, half.items.map((item) => item.read_at === null)],
    [3, [true, true, true, false, false, false]],
  )
  await api.time.pass(100)
  assert.equal((await api.put(awa, path)).statusCode, 204)
  const whole = await inbox(awa)
  assert.equal(whole.unread, 0)
  // The first reading is the one that counts.
  assert.deepEqual(whole.items.slice(3), half.items.slice(3))
  assert.equal((await inbox(moussa)).unread, 6)
  assert.equal((await api.put(moussa, path)).statusCode, 404)
  assert.equal((await api.put(awa, `${path}?until=yesterday`)).statusCode, 400)
})

test('limits, filters and cursors of another form are refused', async () => {
  const awa = await aCustomer()
  const cursor = (key: unknown): string => Buffer.from(JSON.stringify(key)).toString('base64url')
  const bad = [
    'limit=0',
    'limit=101',
    'limit=x',
    'unread=maybe',
    'page=2',
    'cursor=x',
    `cursor=${cursor(['x', awa.id])}`,
  ]
  for (const query of [
    ...bad,
    `cursor=${cursor(['2026-01-01T00:00:00.000Z', "' or 1=1"])}`,
    `cursor=${cursor([1, 2])}`,
  ]) {
    const answer = await api.get(awa, `/api/users/${awa.id}/notifications?${query}`)
    assert.equal(answer.statusCode, 400, query)
  }
})
