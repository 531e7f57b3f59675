import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { BrokerUnavailable } from '#src/ports/broker.ts'
import { headersFromReceived, type ReceivedHeaders } from '#src/ports/message-headers.ts'
import type { Timers } from '#src/core/timers.ts'
import { bodyOf, newEnvelope, type TaskEnvelope } from '../message.ts'
import { rewritePythonJson } from '../python-json.ts'
import { parsePythonTime } from '../python-time.ts'
import type { Destination, TaskPublisher } from '../task-publisher.ts'
import { type Call, type ChordSize, expand } from './expand.ts'
import { isFields, optionList, optionNumber, optionText, readSignature, type Signature } from './signature.ts'

/** Celery's own policy for a publish that fails: at once, then after these. */
const PAUSES_MS = [0, 200, 400]

export interface CanvasSenderOptions {
  readonly publisher: TaskPublisher
  readonly timers: Timers
  /** For signatures that name no queue. */
  readonly queueOf: (task: string) => string
  /** Stores the size of a chord. @throws when that cannot be done: a chord without a size never ends */
  readonly setChordSize: (chord: ChordSize) => Promise<void>
}

/** The task that something follows, to be named as its parent. */
export interface Parent {
  readonly taskId: string
  readonly rootId: string
}

/** Sends what signatures stand for. */
export class CanvasSender {
  readonly #options: CanvasSenderOptions

  constructor(options: CanvasSenderOptions) {
    this.#options = options
  }

  /**
   * Resolves with the ids of the tasks that were sent, when the broker has them all.
   *
   * @param chain signatures that come after, the next one last
   * @throws CanvasUnsupported before anything is sent
   * @throws BrokerUnavailable, BrokerRefused
   */
  async send(value: unknown, partialArgs: readonly unknown[], parent: Parent, chain: readonly unknown[] = []) {
    const calls = expand(readSignature(value), partialArgs, chain.length === 0 ? {} : { chain })
    const ids: string[] = []
    for (const call of calls) {
      for (const size of call.chordSizes) await this.#options.setChordSize(size)
      ids.push(await this.#sendOne(call, parent))
    }
    return ids
  }

  async #sendOne(call: Call, parent: Parent): Promise<string> {
    const { publisher, timers, queueOf } = this.#options
    const { args, kwargs } = argumentsOf(call)
    const envelope = envelopeOf(call, args, parent, timers.now())
    const body = bodyOf(rewritePythonJson([args, kwargs, embedOf(call)]))
    const destination = destinationOf(call.signature, queueOf)
    for (const [attempt, pauseMs] of PAUSES_MS.entries()) {
      if (pauseMs > 0) await new Promise<void>((resolve) => timers.after(pauseMs, resolve))
      try {
        await publisher.publish(destination, envelope, body)
        break
      } catch (error) {
        if (!(error instanceof BrokerUnavailable) || attempt === PAUSES_MS.length - 1) throw error
      }
    }
    return envelope.id
  }
}

function argumentsOf({ signature, partialArgs }: Call) {
  const { args, kwargs, isImmutable } = signature
  return { args: isImmutable ? args : [...partialArgs, ...args], kwargs }
}

function embedOf({ signature, ending }: Call) {
  const chain = ending.chain ?? optionList(signature, 'chain') ?? []
  return {
    callbacks: optionList(signature, 'link'),
    errbacks: optionList(signature, 'link_error'),
    chain: chain.length === 0 ? null : chain,
    chord: ending.chord ?? signature.options['chord'] ?? null,
  }
}

function envelopeOf(call: Call, args: readonly unknown[], parent: Parent, now: number): TaskEnvelope {
  const { signature, ending } = call
  const { options, kwargs } = signature
  const names = optionList(signature, 'stamped_headers')?.filter((name) => typeof name === 'string') ?? null
  const stamps = Object.fromEntries((names ?? []).map((name) => [name, options[name]]))
  return newEnvelope({
    task: signature.task,
    id: optionText(signature, 'task_id') ?? randomUUID(),
    origin: `gen${process.pid}@${hostname()}`,
    args,
    kwargs,
    parentId: parent.taskId,
    rootId: parent.rootId,
    group: ending.groupId ?? optionText(signature, 'group_id') ?? null,
    groupIndex: ending.groupIndex ?? optionNumber(signature, 'group_index') ?? null,
    shadow: optionText(signature, 'shadow') ?? null,
    eta: momentOf(signature, 'countdown', now) ?? momentOf(signature, 'eta', now) ?? null,
    expires: momentOf(signature, 'expires', now) ?? null,
    hardLimitSeconds: optionNumber(signature, 'time_limit') ?? null,
    softLimitSeconds: optionNumber(signature, 'soft_time_limit') ?? null,
    priority: optionNumber(signature, 'priority') ?? null,
    replyTo: optionText(signature, 'reply_to') ?? '',
    ignoreResult: options['ignore_result'] === true,
    stampedHeaders: names,
    stamps: headersFromReceived(stamps as ReceivedHeaders),
    customHeaders: isFields(options['headers']) ? headersFromReceived(options['headers'] as ReceivedHeaders) : {},
  })
}

/** A time, or seconds from now. */
function momentOf({ options }: Signature, name: string, now: number): number | undefined {
  const value = options[name]
  if (typeof value === 'number') return now + value * 1000
  return typeof value === 'string' ? parsePythonTime(value) : undefined
}

function destinationOf(signature: Signature, queueOf: (task: string) => string): Destination {
  const exchange = optionText(signature, 'exchange')
  const routingKey = optionText(signature, 'routing_key')
  const queue = optionText(signature, 'queue')
  if (queue === undefined && exchange !== undefined && routingKey !== undefined) return { exchange, routingKey }
  return { queue: queue ?? queueOf(signature.task) }
}
