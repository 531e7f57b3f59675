import { Type } from 'typebox'
import type { Routes } from '#src/http/app.ts'
import type { Policy } from '#src/http/policy.ts'
import { ProblemAnswer } from '#src/http/problem.ts'
import { taskErrors } from './errors.ts'

/** What is known of a task, as Celery names its states. */
export interface TaskStatus {
  readonly task_id: string
  readonly state: string
  readonly result: unknown
  readonly error: { readonly type: string; readonly message: string } | null
  readonly done_at: string | null
}

export interface TaskRouteParts {
  /** Rejects when the store of results cannot be asked. */
  readonly readTask: (taskId: string) => Promise<TaskStatus>
}

const staff: Policy = { kind: 'roles', roles: ['agent', 'admin', 'service'], auditedAs: null }

const Params = Type.Object({ task_id: Type.String({ minLength: 1, maxLength: 200 }) })

const StatusAnswer = Type.Object(
  {
    task_id: Type.String(),
    state: Type.String({ description: 'PENDING (nobody has heard of it), STARTED, RETRY, SUCCESS, FAILURE, REVOKED' }),
    result: Type.Unknown({ description: 'what the task returned' }),
    error: Type.Union([Type.Object({ type: Type.String(), message: Type.String() }), Type.Null()]),
    done_at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  },
  {
    examples: [
      {
        task_id: '828c9a0e-c60a-4b76-a628-24348f291b1c',
        state: 'SUCCESS',
        result: { notification_id: '8d8330d2-928d-4fce-8dbd-6344647d6961', worked: true },
        error: null,
        done_at: '2026-11-22T08:30:00.000Z',
      },
    ],
  },
)

/** `GET /api/tasks/{task_id}`: what has become of a task, for as long as its result is kept. */
export function taskRoutes({ readTask }: TaskRouteParts): Routes {
  return (app) => {
    app.get(
      '/api/tasks/:task_id',
      {
        config: { policy: staff },
        schema: {
          tags: ['operations'],
          summary: 'Celery state and result of a task',
          params: Params,
          response: { 200: StatusAnswer, 503: ProblemAnswer },
        },
      },
      async (request, reply) => {
        const status = await readTask(request.params.task_id).catch((cause: unknown) => {
          throw taskErrors.resultsUnavailable({ cause, retryAfterSeconds: 5 })
        })
        return reply.header('cache-control', 'no-store').send(status)
      },
    )
  }
}
