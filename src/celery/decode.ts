import { inflateSync } from 'node:zlib'
import type { Delivery } from '#src/ports/broker.ts'
import { type Headers, headersFromReceived, type ReceivedHeaderValue } from '#src/ports/message-headers.ts'
import { bodyOf, type Embed, NOTHING_FOLLOWS, PROTOCOL_HEADERS, type TaskBody, type TaskEnvelope } from './message.ts'
import { readPythonJson, rewritePythonJson, unwrapPythonTypes } from './python-json.ts'
import { argsRepr, pythonRepr } from './python-repr.ts'
import { parsePythonTime } from './python-time.ts'

/** A task message, read. */
export interface TaskMessage {
  readonly protocol: 1 | 2
  readonly envelope: TaskEnvelope
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly embed: Embed
  /**
   * What a retry sends on: in protocol 2 the very bytes that came, so that nothing in them changes.
   *
   * @throws JsonUnwritable for a protocol 1 message with NaN in its arguments
   */
  readonly bodyForRetry: () => TaskBody
}

/** What a message must have, to be read; a `Delivery` has it. */
export type Readable = Pick<Delivery, 'properties' | 'headers' | 'body'>

/**
 * - `not_a_task`: neither protocol.
 * - `too_large`: reading it would hold up everything else.
 * - `unsupported`: a content type or compression that we do not read; pickle for safety.
 * - `undecodable`: the bytes are not what the content type says.
 * - `malformed`: a header or part of the body that cannot be, such as an eta that is no time.
 */
export type UnreadableReason = 'not_a_task' | 'too_large' | 'unsupported' | 'undecodable' | 'malformed'

export class TaskMessageUnreadable extends Error {
  override readonly name = 'TaskMessageUnreadable'
  readonly reason: UnreadableReason

  constructor(reason: UnreadableReason, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.reason = reason
  }
}

/** Reading so much JSON takes some 100 ms, in which the process does nothing else. It counts after decompression too. */
const LARGEST_BODY_BYTES = 16 * 1024 * 1024
const TEXT_ENCODINGS: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii', 'binary'])

type Fields = Readonly<Record<string, unknown>>

/**
 * Reads protocol 2, protocol 1, and the mixture of a protocol 1 body under protocol 2 headers.
 *
 * @throws TaskMessageUnreadable
 */
export function decodeTaskMessage(message: Readable): TaskMessage {
  const hasTaskHeader = message.headers['task'] !== undefined && message.headers['task'] !== null
  const content = readContent(message)
  if (hasTaskHeader && Array.isArray(content)) return decodeProtocol2(message, content)
  if (isFields(content) && 'args' in content) return decodeProtocol1(message, content)
  if (!hasTaskHeader) throw new TaskMessageUnreadable('not_a_task', 'no task header, and no body of protocol 1')
  throw new TaskMessageUnreadable('malformed', 'the body is not [args, kwargs, embed]')
}

function decodeProtocol2(message: Readable, content: readonly unknown[]): TaskMessage {
  const [args, kwargs, embed] = content
  if (content.length !== 3) throw new TaskMessageUnreadable('malformed', `the body has ${content.length} parts, not 3`)
  const { contentType = '', contentEncoding = 'utf-8' } = message.properties
  return {
    protocol: 2,
    envelope: readEnvelope(message, message.headers),
    ...readArguments(args, kwargs),
    embed: readEmbed(embed),
    bodyForRetry: () => ({ bytes: message.body, contentType, contentEncoding }),
  }
}

/** Protocol 1 has everything in the body, and its group under an older name; a chain it does not know. */
function decodeProtocol1(message: Readable, content: Fields): TaskMessage {
  const { args = [], kwargs = {} } = content
  const read = readArguments(args, kwargs)
  const embed = { ...readEmbed(content), chain: null }
  const envelope = readEnvelope(message, {
    ...message.headers,
    ...content,
    task: content['task'] ?? message.headers['task'],
    id: content['id'] ?? message.headers['id'],
    group: content['group'] ?? content['taskset'],
    argsrepr: argsRepr(read.args),
    kwargsrepr: pythonRepr(read.kwargs),
    compression: null,
  })
  // Written anew from what was read, wrappers included: the old shape cannot be sent under protocol 2.
  const bodyForRetry = (): TaskBody => bodyOf(rewritePythonJson([args, kwargs, embed]))
  return { protocol: 1, envelope, ...read, embed, bodyForRetry }
}

function readContent({ properties, headers, body }: Readable): unknown {
  const { contentType, contentEncoding = 'utf-8' } = properties
  if (contentType !== 'application/json') {
    throw new TaskMessageUnreadable('unsupported', `content type ${contentType ?? 'is missing'}`)
  }
  if (!TEXT_ENCODINGS.has(contentEncoding.toLowerCase())) {
    throw new TaskMessageUnreadable('unsupported', `content encoding ${contentEncoding}`)
  }
  if (body.length > LARGEST_BODY_BYTES) throw new TaskMessageUnreadable('too_large', `a body of ${body.length} bytes`)
  const bytes = decompress(body, headers['compression'])
  try {
    return readPythonJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new TaskMessageUnreadable('undecodable', 'the body is not JSON in UTF-8', { cause: error })
  }
}

function decompress(body: Buffer, compression: ReceivedHeaderValue | undefined): Buffer {
  if (compression === undefined || compression === null) return body
  if (compression !== 'application/x-gzip') {
    throw new TaskMessageUnreadable(
      'unsupported',
      `compression ${typeof compression === 'string' ? compression : 'is no text'}`,
    )
  }
  try {
    // Celery's x-gzip is zlib's own format.
    return inflateSync(body, { maxOutputLength: LARGEST_BODY_BYTES })
  } catch (error) {
    const isTooLarge = error instanceof RangeError
    const reason = isTooLarge ? 'too_large' : 'undecodable'
    throw new TaskMessageUnreadable(reason, 'the body cannot be decompressed', { cause: error })
  }
}

function readEnvelope(message: Readable, fields: Fields): TaskEnvelope {
  const id = requiredText(fields, 'id')
  const [hard, soft] = Array.isArray(fields['timelimit']) ? fields['timelimit'] : []
  const { correlationId = id, replyTo = '', priority, deliveryMode } = message.properties
  return {
    task: requiredText(fields, 'task'),
    id,
    lang: text(fields, 'lang') ?? 'py',
    shadow: text(fields, 'shadow'),
    eta: time(fields, 'eta'),
    expires: time(fields, 'expires'),
    group: text(fields, 'group'),
    groupIndex: count(fields['group_index']),
    retries: count(fields['retries']) ?? 0,
    hardLimitSeconds: seconds(hard),
    softLimitSeconds: seconds(soft),
    rootId: text(fields, 'root_id') ?? id,
    parentId: text(fields, 'parent_id'),
    argsrepr: text(fields, 'argsrepr') ?? '',
    kwargsrepr: text(fields, 'kwargsrepr') ?? '',
    origin: text(fields, 'origin') ?? '',
    ignoreResult: fields['ignore_result'] === true,
    replacedTaskNesting: count(fields['replaced_task_nesting']) ?? 0,
    stampedHeaders: texts(fields['stamped_headers']),
    stamps: isFields(message.headers['stamps']) ? headersFromReceived(message.headers['stamps']) : {},
    compression: text(fields, 'compression'),
    customHeaders: customHeaders(message),
    replyTo,
    correlationId,
    priority: priority ?? null,
    persistent: deliveryMode !== 1,
  }
}

/** A message that was dead-lettered and replayed carries its deaths, which are not the caller's. */
function customHeaders({ headers }: Readable): Headers {
  const isTheirs = (name: string): boolean => !PROTOCOL_HEADERS.has(name) && !/^x-(first-|last-)?death/.test(name)
  return headersFromReceived(Object.fromEntries(Object.entries(headers).filter(([name]) => isTheirs(name))))
}

function readArguments(args: unknown, kwargs: unknown): Pick<TaskMessage, 'args' | 'kwargs'> {
  if (!Array.isArray(args)) throw new TaskMessageUnreadable('malformed', 'the positional arguments are no list')
  if (!isFields(kwargs)) throw new TaskMessageUnreadable('malformed', 'the keyword arguments are no object')
  try {
    return { args: args.map(unwrapPythonTypes), kwargs: unwrapPythonTypes(kwargs) as Fields }
  } catch (error) {
    throw new TaskMessageUnreadable('undecodable', 'the arguments are nested too deep', { cause: error })
  }
}

function readEmbed(embed: unknown): Embed {
  if (!isFields(embed)) return NOTHING_FOLLOWS
  const list = (name: string): readonly unknown[] | null => (Array.isArray(embed[name]) ? embed[name] : null)
  return {
    callbacks: list('callbacks'),
    errbacks: list('errbacks'),
    chain: list('chain'),
    chord: embed['chord'] ?? null,
  }
}

function isFields(value: unknown): value is Fields & Record<string, ReceivedHeaderValue> {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && !Buffer.isBuffer(value)
}

function text(fields: Fields, name: string): string | null {
  const value = fields[name]
  return typeof value === 'string' ? value : null
}

function requiredText(fields: Fields, name: string): string {
  const value = text(fields, name)
  if (value === null || value === '') throw new TaskMessageUnreadable('malformed', `${name} is missing`)
  return value
}

function texts(value: unknown): readonly string[] | null {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : null
}

function time(fields: Fields, name: string): number | null {
  const value = fields[name]
  if (value === undefined || value === null) return null
  const atMs = typeof value === 'string' ? parsePythonTime(value) : undefined
  if (atMs === undefined) throw new TaskMessageUnreadable('malformed', `${name} is no time`)
  return atMs
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value < 2 ** 31 ? value : null
}

function seconds(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null
}
