import type { AccessTokens } from './access-tokens.ts'
import type { Exchange } from './exchange.ts'
import {
  bodyTooLarge,
  type ErrorAnswer,
  type ErrorName,
  ERRORS,
  permissionDenied,
  unauthenticated,
  unknownPath,
} from './google-errors.ts'
import type { ServiceAccount } from './identity.ts'
import { isObject } from './proto-json.ts'
import type { PushCounts } from './push-counts.ts'
import type { Received } from './received.ts'
import { type Action, FAULTS, type Rules } from './rules.ts'
import { type AcceptedMessage, readSendRequest } from './send-request.ts'
import { answerTokenRequest, refuseToken, type TokenAnswer } from './token-endpoint.ts'

export interface FcmWorld {
  account(): ServiceAccount
  readonly tokens: AccessTokens
  readonly rules: Rules
  readonly received: Received
  /** There when pushes are counted one by one. */
  readonly pushes: PushCounts | undefined
  nextMessageId(): string
  /** Runs `act` after `delayMs`, unless the simulator is closed before. */
  after(delayMs: number, act: () => void): void
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const JSON_HEADERS = { 'content-type': 'application/json; charset=UTF-8' }
const EMPTY = { headers: {}, body: '' }
const SEND_PATH = /^\/v1\/projects\/([^/?]+)\/messages:send(?:\?|$)/

/** Answers one request to either of the two endpoints. */
export function answerExchange(world: FcmWorld, exchange: Exchange): void {
  if (exchange.method === 'POST' && exchange.path === '/token') return answerToken(world, exchange)
  const project = exchange.method === 'POST' ? SEND_PATH.exec(exchange.path)?.[1] : undefined
  if (project === undefined) return refuse(exchange, unknownPath())
  answerSend(world, exchange, decodeURIComponent(project))
}

function answerToken(world: FcmWorld, exchange: Exchange): void {
  const action = world.rules.actionFor('token', '')
  const answer = (): TokenAnswer =>
    action.error === undefined
      ? answerTokenRequest(exchange.header('content-type'), exchange.body ?? '', world.account(), world.tokens)
      : tokenError(action.error)
  carryOut(world, exchange, action, () => {
    const { status, body } = answer()
    return { status, headers: JSON_HEADERS, body }
  })
}

function tokenError(error: ErrorName): TokenAnswer {
  if (error === 'UNAVAILABLE') return refuseToken('backend_error', 'The service is currently unavailable.', 503)
  if (error === 'INTERNAL') return refuseToken('internal_failure', 'Internal error encountered.', 500)
  return refuseToken('invalid_grant', 'Invalid grant: account not found')
}

function answerSend(world: FcmWorld, exchange: Exchange, project: string): void {
  const denied = refuseCaller(world, exchange.header('authorization'), project)
  if (denied !== undefined) return refuse(exchange, denied)
  if (exchange.body === undefined) return refuse(exchange, bodyTooLarge())
  const accepted = readSendRequest(exchange.body)
  if ('httpStatus' in accepted) return refuse(exchange, accepted)
  const action = world.rules.actionFor('send', accepted.target)
  const id = world.nextMessageId()
  const outcome = outcomeOf(action, accepted)
  if (outcome !== 'refuse' && outcome !== 'goaway') exchange.take()
  if (outcome === 'sent') world.pushes?.add(accepted.target, messageIdOf(accepted))
  world.received.add({
    id,
    targetKind: accepted.targetKind,
    target: accepted.target,
    outcome,
    receivedAtMs: Date.now(),
    protocol: exchange.protocol,
    body: exchange.body,
  })
  carryOut(world, exchange, action, () => sendAnswer(action, accepted, project, id))
}

/** What the sender itself calls the message, the same at each attempt; without it, targets alone are told apart. */
function messageIdOf({ message }: AcceptedMessage): string {
  const { data } = message
  const id = isObject(data) ? data['message_id'] : undefined
  return typeof id === 'string' ? id : ''
}

function refuseCaller(world: FcmWorld, authorization: string | undefined, project: string): ErrorAnswer | undefined {
  const token = authorization?.startsWith('Bearer ') === true ? authorization.slice('Bearer '.length) : undefined
  if (token === undefined) return unauthenticated('CREDENTIALS_MISSING')
  if (!world.tokens.isValid(token)) {
    return unauthenticated(token.startsWith('ya29.') ? 'ACCESS_TOKEN_EXPIRED' : 'ACCESS_TOKEN_TYPE_UNSUPPORTED')
  }
  return project === world.account().projectId ? undefined : permissionDenied(project)
}

function outcomeOf(action: Action, { validateOnly }: AcceptedMessage): string {
  const fault = FAULTS.find((name) => action[name] !== undefined)
  if (fault === 'error') return action.error ?? 'error'
  return fault ?? (validateOnly ? 'validated' : 'sent')
}

function sendAnswer(action: Action, accepted: AcceptedMessage, project: string, id: string): Answer {
  if (action.error !== undefined) {
    const targetField = `message.${accepted.targetKind}`
    const error = ERRORS[action.error]({ targetField, retryAfterS: action.retry_after_s })
    return { status: error.httpStatus, headers: error.headers, body: error.body }
  }
  const name = `projects/${project}/messages/${accepted.validateOnly ? 'fake_message_id' : id}`
  return { status: 200, headers: JSON_HEADERS, body: JSON.stringify({ name }) }
}

function carryOut(world: FcmWorld, exchange: Exchange, action: Action, makeAnswer: () => Answer): void {
  const act = (): void => {
    if (action.hang === true) return
    if (action.reset === true) return exchange.reset()
    if (action.refuse === true) return exchange.refuse()
    if (action.goaway === true) return exchange.goaway()
    const { status, headers, body } = action.answer === undefined ? makeAnswer() : { ...EMPTY, ...action.answer }
    if (action.half_answer === true) exchange.answerHalf(status, headers, body)
    else exchange.answer(status, headers, body)
  }
  if (action.delay_ms === undefined || action.delay_ms === 0) act()
  else world.after(action.delay_ms, act)
}

function refuse(exchange: Exchange, error: ErrorAnswer): void {
  exchange.answer(error.httpStatus, error.headers, error.body)
}
