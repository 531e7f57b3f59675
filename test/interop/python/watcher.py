"""Watches events as Flower does: a receiver in a thread of its own that keeps Celery's own picture of the cluster."""

import threading
import time

from interop_app import app

state = app.events.State()
_hears = threading.Event()


def _run():
    with app.connection_for_read() as connection:
        receiver = app.events.Receiver(connection, handlers={"*": _seen})
        receiver.on_consume_ready = lambda *args, **kwargs: _hears.set()
        receiver.capture(limit=None, timeout=None, wakeup=False)


def _seen(event):
    state.event(event)


def start():
    """Whether events are heard from here on."""
    threading.Thread(target=_run, daemon=True).start()
    return _hears.wait(60)


def until(condition, seconds=60):
    """Whether it became true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def task(task_id):
    """What is known of one task, not of the half of an event."""
    return state.freeze_while(lambda: _task(task_id))


def _task(task_id):
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
    return state.freeze_while(lambda: sorted(worker.hostname for worker in state.alive_workers()))


def said_goodbye(name):
    """Whether a worker has said itself that it goes: one that is merely silent leaves its last beats behind."""
    return name in state.workers and not state.workers[name].heartbeats
