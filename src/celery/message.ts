import type { MessageProperties, OutgoingMessage } from '#src/ports/broker.ts'
import { type Headers, headerNumber, int32 } from '#src/ports/message-headers.ts'
import { writePythonJson } from './python-json.ts'
import { argsRepr, pythonRepr } from './python-repr.ts'
import { formatPythonTime } from './python-time.ts'

/** Everything about one task that travels in headers and properties, in our names. Absent and null are the same: null. */
export interface TaskEnvelope {
  /** The registered name. */
  readonly task: string
  readonly id: string
  readonly lang: string
  /** Shown in place of the name. */
  readonly shadow: string | null
  /** Not before, milliseconds since 1970 UTC. */
  readonly eta: number | null
  /** Not after, milliseconds since 1970 UTC. */
  readonly expires: number | null
  readonly group: string | null
  readonly groupIndex: number | null
  /** 0 at the first try. */
  readonly retries: number
  readonly hardLimitSeconds: number | null
  readonly softLimitSeconds: number | null
  readonly rootId: string
  readonly parentId: string | null
  readonly argsrepr: string
  readonly kwargsrepr: string
  readonly origin: string
  readonly ignoreResult: boolean
  readonly replacedTaskNesting: number
  readonly stampedHeaders: readonly string[] | null
  readonly stamps: Headers
  /** The body is compressed so, such as `application/x-gzip`. */
  readonly compression: string | null
  /** Headers that are not the protocol's: kept on retry. */
  readonly customHeaders: Headers
  readonly replyTo: string
  readonly correlationId: string
  /** 0 to 255; null leaves the property out, as canvas does. */
  readonly priority: number | null
  readonly persistent: boolean
}

/** What follows a task: signatures, as Celery writes them. */
export interface Embed {
  readonly callbacks: readonly unknown[] | null
  readonly errbacks: readonly unknown[] | null
  readonly chain: readonly unknown[] | null
  readonly chord: unknown
}

export const NOTHING_FOLLOWS: Embed = { callbacks: null, errbacks: null, chain: null, chord: null }

/** Bytes and how they are to be read. */
export interface TaskBody {
  readonly bytes: Buffer
  readonly contentType: string
  readonly contentEncoding: string
}

/** What the caller of a new task decides; the rest has Celery's defaults. */
export type NewTask = Pick<TaskEnvelope, 'task' | 'id' | 'origin'> &
  Partial<TaskEnvelope> & {
    readonly args?: readonly unknown[]
    readonly kwargs?: Readonly<Record<string, unknown>>
  }

export function newEnvelope({ args = [], kwargs = {}, ...given }: NewTask): TaskEnvelope {
  return {
    lang: 'js',
    shadow: null,
    eta: null,
    expires: null,
    group: null,
    groupIndex: null,
    retries: 0,
    hardLimitSeconds: null,
    softLimitSeconds: null,
    rootId: given.id,
    parentId: null,
    argsrepr: argsRepr(args),
    kwargsrepr: pythonRepr(kwargs),
    ignoreResult: false,
    replacedTaskNesting: 0,
    stampedHeaders: null,
    stamps: {},
    compression: null,
    customHeaders: {},
    replyTo: '',
    correlationId: given.id,
    priority: 0,
    persistent: true,
    ...given,
  }
}

/** @throws JsonUnwritable when an argument cannot be written so that Python reads the same */
export function jsonBody(
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
  embed: Embed = NOTHING_FOLLOWS,
): TaskBody {
  return bodyOf(writePythonJson([args, kwargs, embed]))
}

/** @param json the three parts `[args, kwargs, embed]`, written */
export function bodyOf(json: string): TaskBody {
  return { bytes: Buffer.from(json), contentType: 'application/json', contentEncoding: 'utf-8' }
}

/**
 * A task message of protocol 2: exactly the headers that Celery 5.6 sends, each number with the type it has there.
 *
 * @param now milliseconds since 1970 UTC: the AMQP expiration is what is left until `expires`
 */
export function encodeTaskMessage(
  destination: { readonly exchange: string; readonly routingKey: string },
  envelope: TaskEnvelope,
  body: TaskBody,
  now: number,
): OutgoingMessage {
  return {
    ...destination,
    properties: encodeProperties(envelope, body, now),
    headers: encodeHeaders(envelope),
    body: body.bytes,
  }
}

function encodeProperties(envelope: TaskEnvelope, body: TaskBody, now: number): MessageProperties {
  const { expires, priority } = envelope
  return {
    contentType: body.contentType,
    contentEncoding: body.contentEncoding,
    deliveryMode: envelope.persistent ? 2 : 1,
    correlationId: envelope.correlationId,
    replyTo: envelope.replyTo,
    ...(priority === null ? {} : { priority }),
    ...(expires === null ? {} : { expiration: String(Math.max(0, Math.floor(expires - now))) }),
  }
}

function encodeHeaders(envelope: TaskEnvelope): Headers {
  return {
    lang: envelope.lang,
    task: envelope.task,
    id: envelope.id,
    shadow: envelope.shadow,
    eta: envelope.eta === null ? null : formatPythonTime(envelope.eta),
    expires: envelope.expires === null ? null : formatPythonTime(envelope.expires),
    group: envelope.group,
    group_index: envelope.groupIndex === null ? null : int32(envelope.groupIndex),
    retries: int32(envelope.retries),
    // Hard first, whatever the protocol's page says.
    timelimit: [envelope.hardLimitSeconds, envelope.softLimitSeconds].map((limit) =>
      limit === null ? null : headerNumber(limit),
    ),
    root_id: envelope.rootId,
    parent_id: envelope.parentId,
    argsrepr: envelope.argsrepr,
    kwargsrepr: envelope.kwargsrepr,
    origin: envelope.origin,
    ignore_result: envelope.ignoreResult,
    replaced_task_nesting: int32(envelope.replacedTaskNesting),
    stamped_headers: envelope.stampedHeaders,
    stamps: envelope.stamps,
    ...(envelope.compression === null ? {} : { compression: envelope.compression }),
    ...envelope.customHeaders,
  }
}

/** The names that are the protocol's own; every other header is the caller's. */
export const PROTOCOL_HEADERS: ReadonlySet<string> = new Set([
  ...Object.keys(encodeHeaders(newEnvelope({ task: '', id: '', origin: '' }))),
  'compression',
])
