import type { Logger } from '#src/core/logger.ts'
import type { FollowUps } from '../execution.ts'
import type { RevokeReason, TaskObserver, TaskRequest } from '../observer.ts'
import { TaskRevoked } from '../outcome.ts'
import { describeException } from '../python-exception.ts'
import type { ResultKeeper } from '../results/result-keeper.ts'
import { exceptionResult } from '../results/result-text.ts'
import type { CanvasSender, Parent } from './canvas-sender.ts'
import { chordError } from './chord-error.ts'
import type { Chords, FinishedPart } from './chords.ts'
import { optionList, optionNumber, optionText, readSignature, type Signature } from './signature.ts'

export interface AftermathOptions {
  readonly sender: CanvasSender
  /** Undefined without a result store: then nothing is stored, and chords do not work. */
  readonly keeper: ResultKeeper | undefined
  readonly chords: Chords | undefined
  readonly log: Logger
}

/** What a task leaves behind, in Celery's order: links, the rest of its chain, its result, its part of a chord. */
export class Aftermath implements TaskObserver, FollowUps {
  readonly #options: AftermathOptions

  constructor(options: AftermathOptions) {
    this.#options = options
  }

  async started(request: TaskRequest): Promise<void> {
    await this.#options.keeper?.started(request)
  }

  async stateUpdated(request: TaskRequest, state: string, meta: unknown): Promise<void> {
    await this.#options.keeper?.stateUpdated(request, state, meta)
  }

  async retried(request: TaskRequest, error: unknown): Promise<void> {
    request.children.push(request.message.envelope.id)
    await this.#options.keeper?.ended(request, 'RETRY', error)
  }

  async succeeded(request: TaskRequest, result: unknown): Promise<void> {
    await this.#options.keeper?.succeeded(request, result)
    await this.#partFinished(request, 'SUCCESS', result)
  }

  /** Links, then the rest of the chain; before the result is told. */
  async publishFollowing(request: TaskRequest, result: unknown): Promise<void> {
    const { callbacks, chain } = request.message.embed
    const parent = parentOf(request)
    for (const callback of callbacks ?? []) {
      request.children.push(...(await this.#options.sender.send(callback, [result], parent)))
    }
    const next = chain?.at(-1)
    if (next === undefined) return
    request.children.push(...(await this.#options.sender.send(next, [result], parent, chain?.slice(0, -1))))
  }

  async failed(request: TaskRequest, error: unknown): Promise<void> {
    const { chain, errbacks } = request.message.embed
    await this.#options.keeper?.ended(request, 'FAILURE', error)
    await this.#partFinished(request, 'FAILURE', exceptionResult(error))
    const traceback = describeException(error).traceback
    for (const step of chain ?? []) await this.#stepFailed(readSignature(step), error, traceback, parentOf(request))
    await this.#callErrbacks(errbacks, parentOf(request))
  }

  async revoked(request: TaskRequest, reason: RevokeReason): Promise<void> {
    const error = new TaskRevoked(reason)
    await this.#options.keeper?.ended(request, 'REVOKED', error)
    await this.#partFinished(request, 'REVOKED', exceptionResult(error))
  }

  async #partFinished({ message: { envelope, embed } }: TaskRequest, status: FinishedPart['status'], result: unknown) {
    if (embed.chord === null || envelope.group === null) return
    const { id: taskId, group: groupId, rootId } = envelope
    const part = { taskId, groupId, groupIndex: envelope.groupIndex ?? undefined, status, result }
    await this.#chordPart(part, embed.chord, { taskId, rootId })
  }

  async #chordPart(part: FinishedPart, body: unknown, parent: Parent): Promise<void> {
    const { chords, sender, log } = this.#options
    const end = await chords?.partFinished(part)
    if (end === undefined) return
    if (end.how === 'failed') return await this.#bodyFailed(readSignature(body), end.error, parent)
    try {
      await sender.send(body, [end.results], parent)
    } catch (error) {
      log.error({ err: error, groupId: part.groupId }, 'the body of a chord could not be sent')
      return await this.#bodyFailed(readSignature(body), chordError(`Callback error: ${String(error)}`), parent)
    }
    await chords?.forget(part.groupId)
  }

  async #bodyFailed(body: Signature, error: unknown, parent: Parent): Promise<void> {
    const traceback = describeException(error).traceback
    await this.#stepFailed(body, error, traceback, parent)
    for (const step of optionList(body, 'chain') ?? []) {
      await this.#stepFailed(readSignature(step), error, traceback, parent)
    }
    const taskId = optionText(body, 'task_id') ?? parent.taskId
    await this.#callErrbacks(optionList(body, 'link_error'), { taskId, rootId: parent.rootId })
  }

  /** A task that will never be sent fails under its own id, and so does its part of a chord: nobody waits for ever. */
  async #stepFailed(step: Signature, error: unknown, traceback: string | null, parent: Parent): Promise<void> {
    const signature = step.kind === 'chord' ? readSignature(step.kwargs['body']) : step
    const taskId = optionText(signature, 'task_id')
    if (taskId === undefined) return
    await this.#options.keeper?.endedElsewhere(taskId, 'FAILURE', error, traceback ?? undefined)
    const chord = step.options['chord'] ?? signature.options['chord']
    const groupId = optionText(step, 'group_id') ?? optionText(signature, 'group_id')
    if (chord === undefined || chord === null || groupId === undefined) return
    const groupIndex = optionNumber(step, 'group_index') ?? optionNumber(signature, 'group_index')
    const part = { taskId, groupId, groupIndex, status: 'FAILURE', result: exceptionResult(error) } as const
    await this.#chordPart(part, chord, parent)
  }

  /** Each as a task of its own that gets the failed one's id. One that cannot be sent does not keep the next. */
  async #callErrbacks(errbacks: readonly unknown[] | null, parent: Parent): Promise<void> {
    for (const errback of errbacks ?? []) {
      try {
        await this.#options.sender.send(errback, [parent.taskId], parent)
      } catch (error) {
        this.#options.log.error({ err: error, taskId: parent.taskId }, 'an errback could not be sent')
      }
    }
  }
}

function parentOf({ message: { envelope } }: TaskRequest): Parent {
  return { taskId: envelope.id, rootId: envelope.rootId }
}
