import { constants } from 'node:os'
import { TaskRevoked } from '../outcome.ts'
import { pythonRepr } from '../python-repr.ts'
import { type Arguments, type Command, CommandFailed, type ControlledNode, texts } from './command.ts'

export const revokeCommands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['revoke', { required: ['task_id'], run: revoke }],
  ['terminate', { required: ['signal', 'task_id'], run: (node, args) => revoke(node, { ...args, terminate: true }) }],
  ['revoke_by_stamped_headers', { required: ['headers'], run: revokeByStamps }],
])

/** Their results say so at once: whoever waits for one need not wait until its message comes. */
function revoke(node: ControlledNode, { task_id: taskId, terminate, signal }: Arguments): unknown {
  const ids = texts(taskId)
  const signum = signalNumber(signal)
  node.revoked.add(ids)
  for (const id of ids) void node.keeper?.endedElsewhere(id, 'REVOKED', new TaskRevoked('revoked'))
  node.log.info({ taskIds: ids, terminate: isTrue(terminate) }, 'tasks revoked')
  if (!isTrue(terminate)) return { ok: `tasks {${ids.map(pythonRepr).join(', ')}} flagged as revoked` }
  const wanted = new Set(ids)
  const { active, reserved, scheduled } = node.worker.requests
  const inHand = [...active, ...scheduled].map(({ request }) => request).concat(reserved)
  const found = inHand.map((request) => request.message.envelope.id).filter((id) => wanted.has(id))
  node.worker.terminate(wanted, signum)
  return { ok: found.length === 0 ? 'terminate: tasks unknown' : `terminate: ${found.join(', ')}` }
}

function revokeByStamps(node: ControlledNode, { headers, terminate, signal }: Arguments): unknown {
  const stamps = stampsOf(headers)
  const shown = pythonRepr(headers)
  node.revoked.addStamps(stamps)
  if (!isTrue(terminate)) return { ok: `headers ${shown} flagged as revoked, but not terminated` }
  const running = node.worker.requests.active.map(({ request }) => request.message.envelope)
  const ids = running.filter((envelope) => node.revoked.has(envelope)).map(({ id }) => id)
  node.worker.terminate(new Set(ids), signalNumber(signal))
  return { ok: ids.length === 0 ? `headers ${shown} were not terminated` : `headers ${shown} revoked` }
}

/** `{name: value}`, `{name: [values]}` or, from the command line, `['name=value']`. */
function stampsOf(headers: unknown): Readonly<Record<string, readonly unknown[]>> {
  const stamps: Record<string, unknown[]> = {}
  const entries: [string, unknown][] = Array.isArray(headers)
    ? texts(headers).map((text) => [text.split('=')[0] ?? '', text.slice(text.indexOf('=') + 1)])
    : Object.entries(headers ?? {})
  for (const [name, value] of entries) {
    const values: unknown[] = Array.isArray(value) ? value : [value]
    stamps[name] = [...(stamps[name] ?? []), ...values]
  }
  return stamps
}

/** Flower says 1. */
function isTrue(value: unknown): boolean {
  return value === true || value === 1
}

/** `SIGTERM`, `TERM` or a number. */
function signalNumber(signal: unknown): number {
  if (signal === undefined || signal === null) return constants.signals.SIGTERM
  if (typeof signal === 'number') return signal
  const name = (typeof signal === 'string' ? signal : '').toUpperCase()
  const signum = Object.entries(constants.signals).find(([known]) => known === name || known === `SIG${name}`)?.[1]
  if (signum === undefined) throw new CommandFailed(`AttributeError("module 'signal' has no attribute '${name}'")`)
  return signum
}
