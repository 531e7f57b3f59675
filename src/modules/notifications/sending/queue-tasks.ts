import { randomUUID } from 'node:crypto'
import type { OutboxTask } from '#src/modules/outbox/outbox.ts'
import { CHUNK_LANES, type Priority, START_LANES } from '../priorities.ts'

interface Queued {
  readonly id: string
  readonly priority: Priority
}

export function startTask(notification: Queued, taskId: string, notBefore: Date): OutboxTask {
  return {
    key: `start:${notification.id}`,
    taskId,
    ...START_LANES[notification.priority],
    kwargs: { notification_id: notification.id },
    notBefore,
  }
}

export function chunkTask(notification: Queued, chunk: number, notBefore: Date): OutboxTask {
  return {
    key: `chunk:${notification.id}:${chunk}`,
    taskId: randomUUID(),
    ...CHUNK_LANES[notification.priority],
    kwargs: { notification_id: notification.id, chunk },
    notBefore,
  }
}

/** Cuts the next part of the audience into chunks. */
export function fanOutTask(notification: Queued, notBefore: Date): OutboxTask {
  return {
    key: `fan-out:${notification.id}`,
    taskId: randomUUID(),
    ...CHUNK_LANES[notification.priority],
    kwargs: { notification_id: notification.id, fan_out: true },
    notBefore,
  }
}

/** Followed by the notification's id. */
export const FOLLOW_UP_KEY = 'follow-up:'

/** Tries again what is due of the devices that have no outcome yet, and ends the notification when all have one. */
export function followUpTask(notification: Queued, notBefore: Date): OutboxTask {
  return {
    key: `${FOLLOW_UP_KEY}${notification.id}`,
    taskId: randomUUID(),
    ...CHUNK_LANES[notification.priority],
    kwargs: { notification_id: notification.id, follow_up: true },
    notBefore,
  }
}
