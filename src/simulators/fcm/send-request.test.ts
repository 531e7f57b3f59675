import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readSendRequest } from './send-request.ts'

interface Refusal {
  code: number
  status: string
  message: string
  details: { '@type': string; errorCode?: string; fieldViolations?: { field: string; description: string }[] }[]
}

function refusal(request: unknown): Refusal {
  const answer = readSendRequest(typeof request === 'string' ? request : JSON.stringify(request))
  assert.ok('httpStatus' in answer, `accepted: ${JSON.stringify(request)}`)
  assert.equal(answer.httpStatus, 400)
  return (JSON.parse(answer.body) as { error: Refusal }).error
}

const fieldOf = (error: Refusal): string | undefined =>
  error.details.flatMap((detail) => detail.fieldViolations ?? [])[0]?.field

function accepts(message: object): void {
  const answer = readSendRequest(JSON.stringify({ message }))
  assert.ok(!('httpStatus' in answer), 'httpStatus' in answer ? answer.body : '')
}

suite('messages:send request', () => {
  test('accepts all that the API knows, in either spelling', () => {
    accepts({
      token: 't',
      data: { a: '1', collapse_key: 'c' },
      notification: { title: 'T', body: 'B', image: 'https://example.sn/i.png' },
      android: {
        priority: 'high',
        ttl: '3.5s',
        collapseKey: 'k',
        notification: { channel_id: 'c', notification_priority: 'PRIORITY_MAX', vibrate_timings: ['0.5s'] },
      },
      apns: { headers: { 'apns-priority': '10' }, payload: { aps: { badge: 1 } } },
      webpush: { headers: { TTL: '1' }, fcmOptions: { link: 'https://example.sn' } },
      fcm_options: { analytics_label: 'l' },
    })
    accepts({ fid: 'f', android: { priority: 1 } })
    accepts({ topic: 'coupures-dakar' })
    accepts({ condition: "'a' in topics" })
    accepts({ token: 't', topic: null })
  })

  test('says validate_only back', () => {
    const answer = readSendRequest('{"validateOnly":true,"message":{"token":"t"}}')
    assert.ok(!('httpStatus' in answer) && answer.validateOnly)
  })

  test('a data value that is not a string is named by its position', () => {
    const error = refusal({ message: { token: 't', data: { a: 'x', b: 12 } } })
    assert.equal(error.status, 'INVALID_ARGUMENT')
    assert.equal(error.message, "Invalid value at 'message.data[1].value' (TYPE_STRING), 12")
    assert.deepEqual(error.details, [
      {
        '@type': 'type.googleapis.com/google.rpc.BadRequest',
        fieldViolations: [{ field: 'message.data[1].value', description: error.message }],
      },
    ])
  })

  test('an unknown field is named with its place', () => {
    const error = refusal({ message: { token: 't', key: 'unknown' } })
    assert.match(error.message, /Unknown name "key" at 'message': Cannot find field\./)
    assert.equal(fieldOf(error), 'message')
    assert.match(refusal({ mesage: {} }).message, /Unknown name "mesage": Cannot find field\./)
  })

  const REFUSED: [string, object, string][] = [
    ['no target', { data: { a: '1' } }, 'message'],
    ['two targets', { token: 't', topic: 'u' }, 'message'],
    ['a reserved key', { token: 't', data: { from: 'x' } }, 'message.data'],
    ['a reserved message_type', { token: 't', data: { message_type: 'x' } }, 'message.data'],
    ['a reserved prefix google', { token: 't', data: { 'google.x': 'x' } }, 'message.data'],
    ['a reserved prefix gcm', { token: 't', android: { data: { 'gcm.n': 'x' } } }, 'message.android.data'],
    ['a priority that is none', { token: 't', android: { priority: 'urgent' } }, 'message.android.priority'],
    ['a ttl without unit', { token: 't', android: { ttl: '10' } }, 'message.android.ttl'],
    ['a ttl as a number', { token: 't', android: { ttl: 10 } }, 'message.android.ttl'],
    ['a ttl beyond four weeks', { token: 't', android: { ttl: '2419201s' } }, 'message.android.ttl'],
    ['a title as a number', { token: 't', notification: { title: 1 } }, 'message.notification.title'],
    [
      'a header that is no string',
      { token: 't', apns: { headers: { 'apns-priority': 10 } } },
      'message.apns.headers[0].value',
    ],
    ['a notification that is a text', { token: 't', notification: 'x' }, 'message.notification'],
    ['a malformed topic', { topic: 'a b' }, 'message.topic'],
    ['4,097 bytes', { token: 't', data: { k: 'é'.repeat(2048) } }, 'message'],
    ['2,049 bytes to a topic', { topic: 't', data: { k: 'x'.repeat(2048) } }, 'message'],
  ]
  for (const [name, message, field] of REFUSED) {
    test(`refuses ${name}`, () => assert.equal(fieldOf(refusal({ message })), field))
  }

  test('an empty token is refused by the sentence for damaged tokens', () => {
    const error = refusal({ message: { token: '' } })
    assert.equal(error.message, 'The registration token is not a valid FCM registration token')
    assert.equal(error.details[0]?.errorCode, 'INVALID_ARGUMENT')
  })

  test('4,096 bytes are accepted', () => accepts({ token: 't', data: { k: 'x'.repeat(4095) } }))

  for (const body of ['', '{', 'null', '[]', '"x"']) {
    test(`refuses ${JSON.stringify(body)} as JSON of another kind`, () => {
      assert.match(refusal(body).message, /^Invalid JSON payload received/)
    })
  }
})
