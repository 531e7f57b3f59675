/**
 * The peer: firebase-admin's `sendEach`, with as many messages as one call takes. Its own code runs as it is; two things
 * are seen to at its edge. Its host is fixed, so `http2.connect` leads that one name to the simulator. And it sends the
 * scheme as `https:`, which Google's servers take and those of Node refuse. A bearer token is ready for it, by a
 * credential of its public interface: OAuth is not what is measured.
 */
import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { AccessToken } from '#src/adapters/push/fcm/access-token.ts'
import { readCredentials } from '#src/adapters/push/fcm/credentials.ts'
import { systemClock } from '#src/core/clock.ts'
import { createLogger } from '#src/core/logger.ts'
import { benchPush } from '../support/bench-push.ts'
import { answerParent } from '../support/child.ts'
import { type SendOrder, type SendTime, timed } from '../support/send-time.ts'

export interface PeerOrder extends SendOrder {
  /** Where npm has installed it. */
  readonly packages: string
  /** Calls of `sendEach` under way at a time, each with a connection of its own. */
  readonly callsAtATime: number
}

/** What is used of the package, which is not there when types are checked. */
interface Messaging {
  sendEach(messages: readonly object[]): Promise<{ readonly failureCount: number }>
}
interface AppModule {
  initializeApp(options: { readonly projectId: string; readonly credential: object }): object
}
interface MessagingModule {
  getMessaging(app: object): Messaging
}

const FCM_URL = 'https://fcm.googleapis.com'
const MESSAGES_PER_CALL = 500
const ANSWER_LIMIT_MS = 15_000

let route: { readonly url: string; readonly ca: string } | undefined
const connectAnywhere = http2.connect
http2.connect = ((url: string, options: http2.SecureClientSessionOptions) => {
  if (route === undefined || url !== FCM_URL) throw new Error(`the peer was not to connect to ${url}`)
  const session = connectAnywhere(route.url, { ...options, ca: route.ca })
  const request = session.request.bind(session)
  session.request = (headers: http2.OutgoingHttpHeaders, how) => {
    headers[':scheme'] = 'https'
    return request(headers, how)
  }
  return session
}) as typeof http2.connect

let messaging: Messaging | undefined

function openMessaging({ packages, credentialsFile, caFile }: PeerOrder): Messaging {
  const load = createRequire(join(packages, 'package.json'))
  const credentials = readCredentials(credentialsFile)
  const log = createLogger('warn', process.stderr)
  const limits = { connectTimeoutMs: ANSWER_LIMIT_MS, timeoutMs: ANSWER_LIMIT_MS }
  const caPem = readFileSync(caFile, 'utf8')
  const token = new AccessToken({ credentials, caPem, clock: systemClock, log, ...limits })
  const credential = { getAccessToken: async () => ({ access_token: await token.get(), expires_in: 3_600 }) }
  const { initializeApp } = load('firebase-admin/app') as AppModule
  const { getMessaging } = load('firebase-admin/messaging') as MessagingModule
  return getMessaging(initializeApp({ projectId: credentials.projectId, credential }))
}

/** What our gateway makes of the same push, as the package's users write it. */
function messageAt(place: number): object {
  const { target, title, body, data, messageId, ttlMs } = benchPush(place)
  return {
    token: target.value,
    notification: { title, body },
    data: { ...data, message_id: messageId },
    android: { priority: 'normal', ttl: ttlMs },
    apns: {
      headers: { 'apns-priority': '5', 'apns-expiration': String(Math.floor((Date.now() + ttlMs) / 1_000)) },
    },
  }
}

answerParent(async (order: PeerOrder): Promise<SendTime> => {
  route = { url: order.baseUrl, ca: readFileSync(order.caFile, 'utf8') }
  const sender = (messaging ??= openMessaging(order))
  return await timed(async () => {
    let next = order.first
    let failures = 0
    const callOn = async (): Promise<void> => {
      while (next < order.first + order.count) {
        const first = next
        next = Math.min(next + MESSAGES_PER_CALL, order.first + order.count)
        const messages = Array.from({ length: next - first }, (_, place) => messageAt(first + place))
        const { failureCount } = await sender.sendEach(messages)
        failures += failureCount
      }
    }
    await Promise.all(Array.from({ length: order.callsAtATime }, callOn))
    return failures
  })
})
