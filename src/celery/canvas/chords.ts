import type { Logger } from '#src/core/logger.ts'
import { PythonException } from '../python-exception.ts'
import { readPythonJson, rewritePythonJson } from '../python-json.ts'
import type { ResultKeeper } from '../results/result-keeper.ts'
import { chordError, dependencyFailed } from './chord-error.ts'
import { readGroupResult } from './group-result.ts'

/** A task that counts in a chord, and how it ended. */
export interface FinishedPart {
  readonly taskId: string
  readonly groupId: string
  readonly groupIndex: number | undefined
  readonly status: 'SUCCESS' | 'FAILURE' | 'REVOKED'
  /** What it returned, or its error as results tell it. */
  readonly result: unknown
}

/** What a part that was the last one sets off: the body with every result, or the body's failure. */
export type ChordEnd =
  | { readonly how: 'complete'; readonly results: readonly unknown[] }
  | { readonly how: 'failed'; readonly error: PythonException }

/** Joins chords where Python's workers do, so that the parts of one may run on either side. */
export class Chords {
  readonly #keeper: ResultKeeper
  readonly #log: Logger

  constructor(keeper: ResultKeeper, log: Logger) {
    this.#keeper = keeper
    this.#log = log
  }

  /** Undefined while other parts are missing, or when the store is away and the chord with it. */
  async partFinished(part: FinishedPart): Promise<ChordEnd | undefined> {
    const { groupId, groupIndex, taskId, status, result } = part
    const text = rewritePythonJson([1, taskId, status, result])
    const progress = await this.#keeper.ask((results) => results.addChordPart(groupId, { index: groupIndex, text }))
    if (progress === undefined) {
      this.#log.error({ taskId, groupId }, 'a part of a chord could not be counted: the chord may never end')
      return undefined
    }
    if (progress.size === undefined || progress.count !== progress.size) return undefined
    const nested = await this.#keeper.ask((results) => results.readGroup(groupId))
    if (nested !== undefined) return await this.#joinNested(groupId, nested)
    const parts = (await this.#keeper.ask((results) => results.chordParts(groupId))) ?? []
    return endOf(parts.map(readPart))
  }

  /** After the body was sent. A failed chord keeps its keys, as Celery's does, until they expire. */
  async forget(groupId: string): Promise<void> {
    await this.#keeper.ask(async (results) => {
      await results.deleteChord(groupId)
      return true
    })
  }

  /** A header with groups inside gives its body lists inside a list, whose shape only the saved group tells. */
  async #joinNested(groupId: string, saved: string): Promise<ChordEnd> {
    try {
      const results = await readGroupResult(saved, (taskId) => this.#keeper.ask((store) => store.read(taskId)))
      return { how: 'complete', results }
    } catch (error) {
      if (error instanceof PythonException) return { how: 'failed', error }
      this.#log.error({ err: error, groupId }, 'a nested chord could not be joined')
      return { how: 'failed', error: chordError(`could not be joined: ${String(error)}`) }
    }
  }
}

function readPart(text: string): Omit<FinishedPart, 'groupId' | 'groupIndex'> {
  const [, taskId, status, result] = readPythonJson(text) as [number, string, FinishedPart['status'], unknown]
  return { taskId, status, result }
}

function endOf(parts: readonly Omit<FinishedPart, 'groupId' | 'groupIndex'>[]): ChordEnd {
  const failed = parts.find(({ status }) => status === 'FAILURE' || status === 'REVOKED')
  if (failed === undefined) return { how: 'complete', results: parts.map(({ result }) => result) }
  return { how: 'failed', error: dependencyFailed(failed.taskId, failed.result) }
}
