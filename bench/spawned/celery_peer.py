"""The peer: the same tasks by Python's Celery, and `python celery_peer.py COUNT confirm|no-confirm`, which sends them."""

import os
import sys
import time

from celery import Celery
from celery.signals import worker_ready

IS_WORKER = __name__ != "__main__"

# A sender with a result backend subscribes to each task's result: without one it is as fast as it can be.
app = Celery("celery_peer", broker=os.environ["BROKER_URL"], backend=os.environ["RESULT_URL"] if IS_WORKER else None)
app.conf.update(
    task_default_queue="peer",
    task_acks_late=True,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"confirm_publish": "no-confirm" not in sys.argv},
)


@app.task(name="bench.noop")
def noop():
    return None


@app.task(name="bench.pause", ignore_result=True)
def pause():
    time.sleep(0.005)


@app.task(name="bench.urgent")
def urgent():
    return time.monotonic() * 1000


@worker_ready.connect
def tell(**_):
    # Celery's own line is at level INFO, at which it would print two more for every task.
    os.write(1, b"peer ready\n")


def send(count):
    """Seconds for `count` tasks, once the connection is there."""
    noop.apply_async()
    started = time.perf_counter()
    for _ in range(count):
        noop.apply_async()
    return time.perf_counter() - started


if not IS_WORKER:
    print(send(int(sys.argv[1])))
