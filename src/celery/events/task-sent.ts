import type { OnSent } from '../task-publisher.ts'
import { formatPythonTime } from '../python-time.ts'
import type { EventDispatcher } from './event-dispatcher.ts'

/** Tells of each task that a client sends, as `task_send_sent_event` does: Flower's time of sending comes from it. */
export function taskSentEvents(dispatcher: EventDispatcher): OnSent {
  return (envelope, destination) => {
    const isQueue = 'queue' in destination
    dispatcher.send('task-sent', {
      uuid: envelope.id,
      root_id: envelope.rootId,
      parent_id: envelope.parentId,
      name: envelope.task,
      args: envelope.argsrepr,
      kwargs: envelope.kwargsrepr,
      retries: envelope.retries,
      eta: envelope.eta === null ? null : formatPythonTime(envelope.eta),
      expires: envelope.expires === null ? null : formatPythonTime(envelope.expires),
      queue: isQueue ? destination.queue : destination.routingKey,
      exchange: isQueue ? '' : destination.exchange,
      routing_key: isQueue ? destination.queue : destination.routingKey,
    })
  }
}
