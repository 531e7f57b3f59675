import { defineTask, type Task } from '#src/celery/task.ts'
import type { Logger } from '#src/core/logger.ts'
import type { NotificationTask } from '#src/modules/notifications/sending/tasks.ts'
import type { TaskAttempts } from '#src/modules/task-attempts/task-attempts.ts'

/** A task that says when it has ended, so that only those that took their worker along stay counted. */
export function countedTask(task: NotificationTask, attempts: TaskAttempts, log: Logger): Task {
  return defineTask({
    ...task,
    handler: async (call, context) => {
      try {
        return await task.handler(call, context)
      } finally {
        if (context.redelivered) {
          await attempts.ended(context.taskId).catch((error: unknown) => {
            log.warn({ err: error, taskId: context.taskId }, 'the end of a task could not be noted')
          })
        }
      }
    },
  })
}
