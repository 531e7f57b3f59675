import { AppError } from '#src/core/errors.ts'
import { RejectTask } from '#src/celery/outcome.ts'
import { PythonException } from '#src/celery/python-exception.ts'
import { defineTask, type Task } from '#src/celery/task.ts'

const anything = (kwargs: Readonly<Record<string, unknown>>) => kwargs

/** What Python calls. `seen` notes the ids of what ran. */
export function interopTasks(seen: string[] = []): Task[] {
  return [
    defineTask({
      name: 'node.add',
      positional: ['x', 'y'],
      acksLate: true,
      parse: ({ x, y }) => ({ x: Number(x), y: Number(y) }),
      handler: ({ x, y }, { taskId }) => {
        seen.push(taskId)
        return x + y
      },
    }),
    defineTask({
      name: 'node.total',
      positional: ['numbers'],
      parse: ({ numbers }) => ({ numbers: numbers as number[] }),
      handler: ({ numbers }) => numbers.reduce((sum, number) => sum + number, 0),
    }),
    defineTask({
      name: 'node.fail',
      positional: ['a', 'b'],
      parse: anything,
      handler: () => {
        throw new PythonException('ValueError', ['bad thing', 42])
      },
    }),
    defineTask({
      name: 'node.type_error',
      parse: anything,
      handler: () => {
        throw new TypeError('no function')
      },
    }),
    defineTask({
      name: 'node.app_error',
      parse: anything,
      handler: () => {
        throw new AppError('meters/not-found', 'not_found', { fr: 'Inconnu', en: 'Unknown' })
      },
    }),
    defineTask({
      name: 'node.flaky',
      positional: ['times'],
      acksLate: true,
      parse: ({ times }) => ({ times: Number(times) }),
      handler: ({ times }, { retries, retry }) =>
        retries < times
          ? retry({ cause: new PythonException('RuntimeError', ['not yet']), delayMs: 50 })
          : `after ${retries}`,
    }),
    defineTask({
      name: 'node.echo',
      positional: ['value'],
      parse: ({ value }) => ({ value }),
      handler: ({ value }) => value,
    }),
    defineTask({ name: 'node.types', parse: anything, handler: (kwargs) => kwargs }),
    defineTask({
      name: 'node.progress',
      parse: anything,
      handler: async (_kwargs, { updateState, signal }) => {
        await updateState('PROGRESS', { done: 1, of: 2 })
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        signal.throwIfAborted()
      },
    }),
    defineTask({
      name: 'node.slow',
      acksLate: true,
      parse: anything,
      handler: async (_kwargs, { signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        signal.throwIfAborted()
      },
    }),
    defineTask({
      name: 'node.origin',
      parse: anything,
      handler: (_kwargs, { envelope }) => envelope.origin,
    }),
    defineTask({ name: 'node.unwritable', parse: anything, handler: () => Number.NaN }),
    defineTask({
      name: 'node.reject',
      acksLate: true,
      parse: anything,
      handler: () => {
        throw new RejectTask('not for us', { requeue: false })
      },
    }),
    defineTask({
      name: 'node.again',
      acksLate: true,
      parse: anything,
      handler: (_kwargs, { redelivered }) => {
        if (!redelivered) throw new RejectTask('not now', { requeue: true })
        return 'again'
      },
    }),
    defineTask({
      name: 'node.header',
      parse: anything,
      handler: (_kwargs, { envelope, retries, retry }) =>
        retries === 0 ? retry({ delayMs: 0 }) : envelope.customHeaders['x-mine'],
    }),
  ]
}
