import { randomUUID } from 'node:crypto'

type Fields = Readonly<Record<string, unknown>>

/** A call that is yet to be made, as it travels inside messages. */
export interface Signature {
  readonly kind: 'task' | 'chain' | 'group' | 'chord'
  readonly task: string
  readonly args: readonly unknown[]
  readonly kwargs: Fields
  readonly options: Fields
  /** Takes nothing from whatever comes before it. */
  readonly isImmutable: boolean
}

/** Canvas that we do not understand. The task that carries it fails, rather than that half of it runs. */
export class CanvasUnsupported extends Error {
  override readonly name = 'CanvasUnsupported'
}

const KINDS: Readonly<Record<string, Signature['kind']>> = {
  'celery.chain': 'chain',
  'celery.group': 'group',
  'celery.chord': 'chord',
}

/** @throws CanvasUnsupported when the value is no signature */
export function readSignature(value: unknown): Signature {
  if (!isFields(value) || typeof value['task'] !== 'string') throw new CanvasUnsupported('a signature without a task')
  const { task, args, kwargs, options } = value
  return {
    kind: KINDS[task] ?? 'task',
    task,
    args: Array.isArray(args) ? args : [],
    kwargs: isFields(kwargs) ? kwargs : {},
    options: isFields(options) ? options : {},
    isImmutable: value['immutable'] === true,
  }
}

/** As it travels. */
export function writeSignature(signature: Signature): Fields {
  const { kind, task, args, kwargs, options, isImmutable } = signature
  return { task, args, kwargs, options, subtask_type: kind === 'task' ? null : kind, immutable: isImmutable }
}

/** Those options that have a value replace the signature's own. */
export function withOptions(signature: Signature, options: Fields): Signature {
  const given = Object.entries(options).filter(([, value]) => value !== undefined && value !== null)
  return { ...signature, options: { ...signature.options, ...Object.fromEntries(given) } }
}

/**
 * The same with an id for its end, so that it can be told to have failed before it was ever sent. Whoever has one keeps
 * it, whatever a chain around it is called: it is the one that its client waits for. A chord's own is that of its group;
 * its end is its body.
 */
export function identified(signature: Signature, taskId: string = randomUUID()): Signature {
  if (signature.kind === 'chord') {
    const body = identified(readSignature(signature.kwargs['body']), taskId)
    return { ...signature, kwargs: { ...signature.kwargs, body: writeSignature(body) } }
  }
  return optionText(signature, 'task_id') === undefined ? withOptions(signature, { task_id: taskId }) : signature
}

export function optionText({ options }: Signature, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function optionNumber({ options }: Signature, name: string): number | undefined {
  const value = options[name]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** Empty and absent are the same: null. */
export function optionList({ options }: Signature, name: string): readonly unknown[] | null {
  const value = options[name]
  if (Array.isArray(value)) return value.length === 0 ? null : value
  return value === undefined || value === null ? null : [value]
}

/** The steps of a chain or the members of a group; of a chord, its header. Groups inside groups are one group. */
export function members(signature: Signature): Signature[] {
  const { header, tasks } = signature.kwargs
  if (signature.kind !== 'chord') return flattened(signature.kind, tasks)
  return isFields(header) ? members(readSignature(header)) : flattened('group', header)
}

function flattened(kind: Signature['kind'], tasks: unknown): Signature[] {
  if (!Array.isArray(tasks)) throw new CanvasUnsupported(`a ${kind} without tasks`)
  return tasks.map(readSignature).flatMap((member) => (member.kind === kind ? members(member) : [member]))
}

export function isFields(value: unknown): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
