export type Priority = 'urgent' | 'high' | 'normal' | 'low'

export interface Lane {
  readonly queue: 'urgent' | 'high_priority' | 'normal' | 'low_priority'
  readonly task: TaskName
  /** Of the message, 0 to 9. */
  readonly priority: number
}

/** Known to other programs that send to the queues: they never follow a name of ours. */
export const TASK_NAMES = [
  'send_urgent_notification',
  'send_batch_notifications',
  'send_single_notification',
  'send_broadcast_notifications',
] as const
export type TaskName = (typeof TASK_NAMES)[number]

/** Where a notification starts: its priority alone decides. */
export const START_LANES: Readonly<Record<Priority, Lane>> = {
  urgent: { queue: 'urgent', task: 'send_urgent_notification', priority: 9 },
  high: { queue: 'high_priority', task: 'send_batch_notifications', priority: 7 },
  normal: { queue: 'normal', task: 'send_single_notification', priority: 5 },
  low: { queue: 'low_priority', task: 'send_broadcast_notifications', priority: 3 },
}

const SOON: Lane = { queue: 'high_priority', task: 'send_batch_notifications', priority: 7 }
const LATER: Lane = { queue: 'low_priority', task: 'send_batch_notifications', priority: 3 }

/** Where chunks and later attempts go: never to `urgent`, so that a large audience does not hold up the next alarm. */
export const CHUNK_LANES: Readonly<Record<Priority, Lane>> = { urgent: SOON, high: SOON, normal: LATER, low: LATER }
