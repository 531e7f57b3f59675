import { randomUUID } from 'node:crypto'
import {
  CanvasUnsupported,
  identified,
  members,
  optionText,
  readSignature,
  type Signature,
  withOptions,
  writeSignature,
} from './signature.ts'

/** What comes when a signature is done with: where its result counts, and who is next. */
export interface Ending {
  readonly groupId?: string
  readonly groupIndex?: number
  /** The body of the chord that the signature is a part of. */
  readonly chord?: unknown
  /** Signatures, the next one last. */
  readonly chain?: readonly unknown[]
}

/** One message to be sent. */
export interface Call {
  readonly signature: Signature
  /** Arguments before the signature's own. */
  readonly partialArgs: readonly unknown[]
  readonly ending: Ending
  /** Of the chords whose last part this is: nothing may complete them before their size is known. */
  readonly chordSizes: readonly ChordSize[]
}

export interface ChordSize {
  readonly groupId: string
  readonly size: number
}

/**
 * The messages that a signature stands for, in the order of their sending: one for a task or a chain, whose rest
 * travels inside it; one per member of a group or of a chord's header.
 *
 * @throws CanvasUnsupported
 */
export function expand(signature: Signature, partialArgs: readonly unknown[], ending: Ending): Call[] {
  switch (signature.kind) {
    case 'task':
      return [{ signature, partialArgs, ending, chordSizes: [] }]
    case 'chain':
      return expandChain(signature, partialArgs, ending)
    case 'group':
      return expandGroup(signature, partialArgs, ending)
    case 'chord':
      return expandChord(signature, partialArgs, ending)
  }
}

function expandChain(chain: Signature, partialArgs: readonly unknown[], ending: Ending): Call[] {
  const steps = groupsAsChords(members(chain))
  const [first, ...rest] = steps
  if (first === undefined) throw new CanvasUnsupported('an empty chain')
  const own = { ...optionsAsEnding(chain), ...ending }
  const end = identified(steps.at(-1) ?? first, optionText(chain, 'task_id'))
  if (rest.length === 0) return expand(end, partialArgs, own)
  const last = withOptions(end, endingAsOptions({ ...own, chain: [] }))
  const following = [...rest.slice(0, -1).map((step) => identified(step)), last].map(writeSignature)
  return expand(first, partialArgs, { chain: [...(own.chain ?? []), ...following.toReversed()] })
}

/** A group before another step can only mean: that step when all of the group is done. */
function groupsAsChords(steps: readonly Signature[]): Signature[] {
  const [first, second, ...rest] = steps
  if (first === undefined || second === undefined) return [...steps]
  if (first.kind !== 'group') return [first, ...groupsAsChords([second, ...rest])]
  return groupsAsChords([chordOf(first, second), ...rest])
}

function chordOf(header: Signature, body: Signature): Signature {
  const kwargs = { kwargs: {}, header: writeSignature(header), body: writeSignature(body) }
  return { kind: 'chord', task: 'celery.chord', args: [], kwargs, options: {}, isImmutable: false }
}

function chainOf(steps: readonly Signature[]): Signature {
  const kwargs = { tasks: steps.map(writeSignature) }
  return { kind: 'chain', task: 'celery.chain', args: [], kwargs, options: {}, isImmutable: false }
}

function expandGroup(group: Signature, partialArgs: readonly unknown[], ending: Ending): Call[] {
  const next = ending.chain?.at(-1)
  if (next !== undefined) {
    const rest = { ...ending, chain: ending.chain?.slice(0, -1) ?? [] }
    return expandChord(chordOf(group, readSignature(next)), partialArgs, rest)
  }
  if (ending.chord !== undefined) throw new CanvasUnsupported('a group at the end of a part of a chord')
  const groupId = optionText(group, 'task_id') ?? randomUUID()
  return members(group).flatMap((member, groupIndex) => expand(member, partialArgs, { groupId, groupIndex }))
}

function expandChord(chord: Signature, partialArgs: readonly unknown[], ending: Ending): Call[] {
  const own = { ...optionsAsEnding(chord), ...ending }
  const parts = members(chord)
  const plainBody = identified(readSignature(chord.kwargs['body']))
  const header = chord.kwargs['header']
  const groupId = optionText(Array.isArray(header) ? chord : readSignature(header), 'task_id') ?? randomUUID()
  // A body counts in the chord around it, if there is one; else it names its own group, as Celery has it.
  const body = withOptions(plainBody, endingAsOptions(own.chord === undefined ? { ...own, groupId } : own))
  const [only] = parts
  if (only === undefined) return expand(body, [[]], {})
  // As Celery does, which then gives the body the one result and no list.
  if (parts.length === 1) return expandChain(chainOf([only, body]), partialArgs, {})
  const bodyFields = writeSignature(body)
  return parts.flatMap((part, groupIndex) => {
    const calls = expand(part, partialArgs, { groupId, groupIndex, chord: bodyFields })
    if (groupIndex < parts.length - 1) return calls
    const size = { groupId, size: parts.length }
    return calls.map((call, n) => (n === 0 ? { ...call, chordSizes: [...call.chordSizes, size] } : call))
  })
}

function endingAsOptions({ groupId, groupIndex, chord, chain }: Ending): Readonly<Record<string, unknown>> {
  return { group_id: groupId, group_index: groupIndex, chord, chain: chain?.length === 0 ? undefined : chain }
}

/** What the client had written into a chain or chord itself holds for its end. */
function optionsAsEnding({ options }: Signature): Ending {
  const { group_id: groupId, group_index: groupIndex, chord, chain } = options
  return {
    ...(typeof groupId === 'string' ? { groupId } : {}),
    ...(typeof groupIndex === 'number' ? { groupIndex } : {}),
    ...(chord === undefined || chord === null ? {} : { chord }),
    ...(Array.isArray(chain) ? { chain } : {}),
  }
}
