import { CeleryClient } from '#src/celery/client.ts'
import type { CloseStack } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import type { Db } from '#src/database/database.ts'
import { OutboxPublisher } from '#src/modules/outbox/publisher.ts'
import type { Broker } from '#src/ports/broker.ts'
import type { Timers } from '#src/core/timers.ts'

/** Hands what transactions have promised to the broker, as Celery tasks. */
export function startOutbox(
  { db, broker, timers, log }: { db: Db; broker: Broker; timers: Timers; log: Logger },
  opened: CloseStack,
): OutboxPublisher {
  const client = new CeleryClient({ broker, clock: timers.now })
  const publisher = new OutboxPublisher({
    db,
    timers,
    log,
    sendTask: async ({ taskId, task, queue, priority, kwargs }) => {
      await client.sendTask({ id: taskId, task, queue, priority, kwargs })
    },
  })
  opened.add('outbox', publisher)
  publisher.start()
  return publisher
}
