import { defineTask, type Task, type TaskContext } from '../task.ts'
import { NotRegistered, TaskArgumentsInvalid } from '../outcome.ts'
import { readSignature, type Signature } from './signature.ts'

interface MapCall {
  readonly signature: Signature
  readonly items: readonly unknown[]
}

/**
 * `celery.map` and `celery.starmap` (which `chunks` is made of): one message that calls a task of this worker for each
 * item, one after the other.
 */
export function mapTasks(tasks: readonly Task[]): Task[] {
  const registry = new Map(tasks.map((task) => [task.name, task]))
  const callEach = async (
    { signature, items }: MapCall,
    context: TaskContext,
    argsOf: (item: unknown) => unknown[],
  ) => {
    const task = registry.get(signature.task)
    if (task === undefined) throw new NotRegistered(signature.task)
    const results: unknown[] = []
    for (const item of items) {
      context.signal.throwIfAborted()
      const run = task.prepare([...argsOf(item), ...signature.args], signature.kwargs)
      results.push((await run(context)) ?? null)
    }
    return results
  }
  return [
    defineTask({
      name: 'celery.map',
      positional: ['task', 'it'],
      parse: readMapCall,
      handler: async (call, context) => callEach(call, context, (item) => [item]),
    }),
    defineTask({
      name: 'celery.starmap',
      positional: ['task', 'it'],
      parse: readMapCall,
      handler: async (call, context) => callEach(call, context, (item) => (Array.isArray(item) ? item : [item])),
    }),
  ]
}

function readMapCall({ task, it }: Readonly<Record<string, unknown>>): MapCall {
  if (!Array.isArray(it)) throw new TaskArgumentsInvalid('the items are no list')
  return { signature: readSignature(task), items: it }
}
