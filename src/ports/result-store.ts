/**
 * Where the outcomes of tasks are kept, and the parts of chords that wait for each other: Redis in Celery's own layout,
 * or a stand-in inside the process. What it holds can be lost at any time; whoever must know asks elsewhere. Texts are
 * JSON that the store does not look into.
 *
 * Every method throws `ResultStoreUnavailable` when the store does not answer.
 */
export interface ResultStore extends AsyncDisposable {
  /**
   * Stores a task's outcome for its lifetime and tells whoever watches it, both or neither. Kept instead, with false as
   * the answer, is what `keeps` says of the text that is there; two writers at once may both see the older one.
   */
  write(taskId: string, text: string, keeps: (stored: string) => boolean): Promise<boolean>
  read(taskId: string): Promise<string | undefined>
  /**
   * Tells `onText` what is there now, and every text that is written from now on. After a lost connection it tells
   * again what is there then, so that nothing is missed but what was overwritten. Ends when disposed of.
   */
  watch(taskId: string, onText: (text: string) => void): Promise<AsyncDisposable>

  /** How many parts a chord waits for. It may come after its first parts. */
  setChordSize(groupId: string, size: number): Promise<void>
  /** Adds a part, which counts once however often it is added with the same text, and tells how far the chord is. */
  addChordPart(groupId: string, part: ChordPart): Promise<ChordProgress>
  /** The texts of the parts, in the order of their indexes. */
  chordParts(groupId: string): Promise<string[]>
  /** Forgets the parts and the size. */
  deleteChord(groupId: string): Promise<void>
  /** What Python's `GroupResult.save` left under the group's id; a chord whose header has groups inside has it. */
  readGroup(groupId: string): Promise<string | undefined>
}

export interface ChordPart {
  /** Its place among the results; undefined comes last. */
  readonly index: number | undefined
  readonly text: string
}

export interface ChordProgress {
  readonly count: number
  /** Undefined as long as nobody has said. */
  readonly size: number | undefined
}

/** The store did not answer. Whether it took a write is unknown. */
export class ResultStoreUnavailable extends Error {
  override readonly name = 'ResultStoreUnavailable'
}
