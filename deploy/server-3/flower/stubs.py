"""What Flower has to know of the tasks: for a name that is not here it answers 404 to limits and calls.

The bodies are never run: the workers are Node programs. `BROKER_URL` and `REDIS_URL` are those of the workers.
"""

import os

from celery import Celery

QUEUES = {
    "send_urgent_notification": "urgent",
    "send_batch_notifications": "high_priority",
    "send_single_notification": "normal",
    "send_broadcast_notifications": "low_priority",
}

app = Celery("samaconso", broker=os.environ["BROKER_URL"], backend=os.environ["REDIS_URL"])
app.conf.update(
    # Without a route, what is called from Flower would wait in a queue that nobody consumes.
    task_routes={name: {"queue": queue} for name, queue in QUEUES.items()},
    broker_connection_retry_on_startup=True,
    timezone="UTC",
)


def stub(**arguments):
    raise NotImplementedError("tasks run in the workers")


for name in QUEUES:
    app.task(name=name)(stub)
