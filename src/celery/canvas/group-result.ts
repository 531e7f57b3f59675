import { readPythonJson } from '../python-json.ts'
import { decodeResult } from '../results/result-text.ts'
import { chordError, dependencyFailed } from './chord-error.ts'

type Read = (taskId: string) => Promise<string | undefined>

/**
 * The results of a group that Python saved, `{"result": [[id, parent], [members…]]}`, in its own shape: a group inside
 * is a list inside.
 *
 * @throws PythonException ChordError for the first member that did not succeed
 */
export async function readGroupResult(saved: string, read: Read): Promise<unknown[]> {
  const { result } = readPythonJson(saved) as { result?: unknown }
  return (await joined(result, read)) as unknown[]
}

/** A member is `[[id, parent], null]`, a group `[[id, parent], [members…]]`. */
async function joined(node: unknown, read: Read): Promise<unknown> {
  if (!Array.isArray(node) || !Array.isArray(node[0])) throw chordError('the saved group cannot be read')
  const [[id], children] = node as [[unknown], unknown]
  if (Array.isArray(children) && children.length > 0) {
    const results: unknown[] = []
    for (const child of children) results.push(await joined(child, read))
    return results
  }
  const text = await read(String(id))
  const record = text === undefined ? undefined : decodeResult(text)
  if (record === undefined) throw chordError(`Dependency ${String(id)} has no result`)
  if (record.status !== 'SUCCESS') throw dependencyFailed(record.taskId, record.result)
  return record.result
}
