import { type Clock, systemClock } from '#src/core/clock.ts'
import {
  type ChordPart,
  type ChordProgress,
  type ResultStore,
  ResultStoreUnavailable,
} from '#src/ports/result-store.ts'

/** A day, as Celery keeps results. */
const LIFETIME_MS = 86_400_000
/** What is oldest makes room beyond. */
const MOST_ENTRIES = 20_000

interface Chord {
  readonly parts: Map<string, number>
  size: number | undefined
}

export interface MemoryResultsOptions {
  readonly clock?: Clock
  /** @default one day */
  readonly lifetimeMs?: number
}

/** Results inside the process. */
export function memoryResults(options: MemoryResultsOptions = {}): MemoryResults {
  return new MemoryResults(options.clock ?? systemClock, options.lifetimeMs ?? LIFETIME_MS)
}

export class MemoryResults implements ResultStore {
  readonly #clock: Clock
  readonly #lifetimeMs: number
  readonly #texts = new Map<string, { readonly text: string; readonly expiresAt: number }>()
  readonly #chords = new Map<string, Chord>()
  readonly #groups = new Map<string, string>()
  readonly #watchers = new Map<string, Set<(text: string) => void>>()
  #isAway = false

  constructor(clock: Clock, lifetimeMs: number) {
    this.#clock = clock
    this.#lifetimeMs = lifetimeMs
  }

  async write(taskId: string, text: string, keeps: (stored: string) => boolean): Promise<boolean> {
    const stored = await this.read(taskId)
    if (stored !== undefined && keeps(stored)) return false
    this.#texts.delete(taskId)
    this.#texts.set(taskId, { text, expiresAt: this.#clock() + this.#lifetimeMs })
    dropOldest(this.#texts)
    for (const onText of this.#watchers.get(taskId) ?? []) onText(text)
    return true
  }

  async read(taskId: string): Promise<string | undefined> {
    await this.#answer()
    return this.#live(taskId)
  }

  async watch(taskId: string, onText: (text: string) => void): Promise<AsyncDisposable> {
    await this.#answer()
    const watchers = this.#watchers.get(taskId) ?? new Set()
    const watcher = (text: string): void => onText(text)
    this.#watchers.set(taskId, watchers.add(watcher))
    const now = this.#live(taskId)
    if (now !== undefined) onText(now)
    return {
      [Symbol.asyncDispose]: () => {
        watchers.delete(watcher)
        if (watchers.size === 0 && this.#watchers.get(taskId) === watchers) this.#watchers.delete(taskId)
        return Promise.resolve()
      },
    }
  }

  async setChordSize(groupId: string, size: number): Promise<void> {
    await this.#answer()
    this.#chord(groupId).size = size
  }

  async addChordPart(groupId: string, part: ChordPart): Promise<ChordProgress> {
    await this.#answer()
    const chord = this.#chord(groupId)
    chord.parts.set(part.text, part.index ?? Infinity)
    return { count: chord.parts.size, size: chord.size }
  }

  async chordParts(groupId: string): Promise<string[]> {
    await this.#answer()
    const parts = [...(this.#chords.get(groupId)?.parts ?? [])]
    return parts.toSorted(([a, x], [b, y]) => (x === y ? (a < b ? -1 : 1) : x < y ? -1 : 1)).map(([text]) => text)
  }

  async deleteChord(groupId: string): Promise<void> {
    await this.#answer()
    this.#chords.delete(groupId)
  }

  async readGroup(groupId: string): Promise<string | undefined> {
    await this.#answer()
    return this.#groups.get(groupId)
  }

  /** For tests: what `GroupResult.save` would leave. */
  saveGroup(groupId: string, text: string): void {
    this.#groups.set(groupId, text)
  }

  /** For tests: as when the server is gone. It stays so until `comeBack`. */
  goAway(): void {
    this.#isAway = true
  }

  comeBack(): void {
    this.#isAway = false
    for (const [taskId, watchers] of this.#watchers) {
      const text = this.#live(taskId)
      if (text !== undefined) for (const onText of watchers) onText(text)
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#watchers.clear()
    this.#isAway = true
    return Promise.resolve()
  }

  #live(taskId: string): string | undefined {
    const entry = this.#texts.get(taskId)
    if (entry === undefined || this.#clock() < entry.expiresAt) return entry?.text
    this.#texts.delete(taskId)
    return undefined
  }

  #chord(groupId: string): Chord {
    const chord = this.#chords.get(groupId) ?? { parts: new Map<string, number>(), size: undefined }
    this.#chords.set(groupId, chord)
    dropOldest(this.#chords)
    return chord
  }

  /** A server answers later, never within the call. */
  async #answer(): Promise<void> {
    await Promise.resolve()
    if (this.#isAway) throw new ResultStoreUnavailable('the results are away')
  }
}

function dropOldest(map: Map<string, unknown>): void {
  if (map.size <= MOST_ENTRIES) return
  for (const key of map.keys()) {
    map.delete(key)
    return
  }
}
