import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { readRecorder } from '#src/modules/audit/staff-reads.ts'
import { withClient } from '#src/roles/generate/with-client.ts'
import { planText, readsOf } from '#test/plans/plan.ts'
import { type Recorder, recorderOf } from '#test/plans/recorder.ts'
import { testApi } from '#test/support/api.ts'
import { aStaffMember } from '#test/support/factories.ts'
import { get, logIn } from '#test/support/requests.ts'

const LOOKS = 100_000

test('among many looks, each filter of the audit log and each look finds its rows by an index', async () => {
  let [url, recorder]: [string, Recorder | undefined] = ['', undefined]
  await using api = await testApi({
    reach: (own) => (url = own),
    through: (db) => (recorder = recorderOf(db)).db,
  })
  assert.ok(recorder !== undefined)
  const { db } = api.database
  const admin = await aStaffMember(db, 'admin')
  const { access_token: token } = await logIn(api.server.app, { login: admin.login, password: admin.password })
  const [actorId, subjectId] = [randomUUID(), randomUUID()]
  await withClient(url, async (client) => {
    await client.query(
      `insert into audit_entry (at, actor_id, actor_role, action, subject_id, details)
      select now() - make_interval(secs => n * 20), case when n % 1000 = 0 then $1 else gen_random_uuid() end, 'agent',
        case when n % 10000 = 0 then 'notification.cancel' else 'user.read' end,
        case when n % 1000 = 1 then $2 else gen_random_uuid() end, '{"route": "GET /api/users/:id", "query": {}}'
      from generate_series(1, $3::integer) as n`,
      [actorId, subjectId, LOOKS],
    )
    await client.query('vacuum analyze audit_entry')

    const indexOf = async (go: () => Promise<unknown>): Promise<string> => {
      recorder?.take()
      await go()
      const statement = recorder?.take().findLast(({ sql }) => sql.includes('audit_entry'))
      assert.ok(statement !== undefined)
      const { whole, indexes } = await readsOf(client, statement)
      const text = await planText(client, statement)
      assert.ok(!whole.includes('audit_entry'), text)
      return indexes.filter((name) => name.startsWith('audit_entry')).join()
    }
    const filtered = (query: Record<string, string>) => () =>
      get(api.server.app, `/api/audit?${new URLSearchParams(query).toString()}`, token)
    const longAgo = new Date(Date.now() - 10 * 86_400_000).toISOString()

    assert.equal(await indexOf(filtered({})), 'audit_entry_newest')
    assert.equal(await indexOf(filtered({ to: longAgo })), 'audit_entry_newest')
    assert.equal(await indexOf(filtered({ actor_id: actorId })), 'audit_entry_actor')
    assert.equal(await indexOf(filtered({ subject_id: subjectId })), 'audit_entry_subject')
    assert.equal(await indexOf(filtered({ action: 'notification.cancel' })), 'audit_entry_action')
    assert.equal(await indexOf(filtered({ action: 'notification.cancel', to: longAgo })), 'audit_entry_action')

    const look = { action: 'user.read', subjectId, route: 'GET /api/users/:id', query: {} } as const
    const actor = { accountId: actorId, sessionId: actorId, role: 'agent' } as const
    assert.notEqual(await indexOf(() => readRecorder(recorder!.db)({ ...look, actor })), '')
  })
})
