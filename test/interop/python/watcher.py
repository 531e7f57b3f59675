"""Watches events as Flower does: a receiver in a thread of its own that keeps Celery's own picture of the cluster."""

import threading
import time

from interop_app import app

state = app.events.State()
_started = threading.Event()


def _run():
    with app.connection_for_read() as connection:
        receiver = app.events.Receiver(connection, handlers={"*": _seen})
        _started.set()
        receiver.capture(limit=None, timeout=None, wakeup=False)


def _seen(event):
    state.event(event)


def start():
    threading.Thread(target=_run, daemon=True).start()
    _started.wait(10)
    # The consumer is declared a moment after.
    time.sleep(0.5)
    return True


def until(condition, seconds=10):
    """Whether it became true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def task(task_id):
    """What is known of one task."""
    seen = state.tasks.get(task_id)
    if seen is None:
        return None
    return {
        "name": seen.name,
        "state": seen.state,
        "args": seen.args,
        "result": seen.result,
        "exception": seen.exception,
        "runtime": seen.runtime,
        # Not `hostname`: that is whoever spoke last, also the sender, whose `task-sent` has a connection of its own.
        "worker": seen.worker.hostname if seen.worker else None,
        "sent": seen.sent,
        "rejected": seen.rejected,
    }


def alive():
    """Names of the workers that are there."""
    return sorted(worker.hostname for worker in state.alive_workers())
