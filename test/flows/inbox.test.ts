import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  aPerson,
  type Caller,
  type NotificationsApi,
  notificationsApi,
  staff,
  toUser,
  toUsers,
} from '#test/support/notifications-api.ts'

let api: NotificationsApi
let admin: Caller
before(async () => {
  api = await notificationsApi()
  admin = await staff(api.database, 'admin')
})
after(() => api[Symbol.asyncDispose]())

interface Inbox {
  readonly items: readonly { readonly id: string; readonly read_at: string | null }[]
  readonly unread: number
  readonly next_cursor: string | null
}

async function aCustomer(): Promise<Caller> {
  return { ...(await aPerson(api.database)), role: 'customer' }
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
