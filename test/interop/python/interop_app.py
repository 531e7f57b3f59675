"""A Celery application as the utility's own programs have: tasks of its own, and a caller of ours."""

import os

from celery import Celery

app = Celery("interop", broker=os.environ["BROKER_URL"], backend=os.environ["RESULT_URL"])
app.conf.update(
    task_default_queue="python",
    task_send_sent_event=True,
    worker_send_task_events=True,
    task_track_started=False,
    result_extended=False,
    broker_connection_retry_on_startup=True,
    worker_enable_remote_control=True,
    # Newer brokers refuse what older workers ask for.
    worker_prefetch_multiplier=1,
)


class AccountClosed(Exception):
    """An error that only Python knows."""


@app.task(name="python.add")
def add(x, y):
    return x + y


@app.task(name="python.total")
def total(numbers):
    return sum(numbers)


@app.task(name="python.fail")
def fail(*args):
    raise ValueError("bad thing", 42)


@app.task(name="python.closed")
def closed():
    raise AccountClosed("account 17")


@app.task(name="python.note", bind=True)
def note(self, value):
    """Remembers what it was given where the test can look."""
    app.backend.client.rpush("interop:notes", str(value))
    return value


@app.task(name="python.about", bind=True)
def about(self):
    request = self.request
    return {
        "id": request.id,
        "retries": request.retries,
        "group": request.group,
        "group_index": request.group_index,
        "timelimit": request.timelimit,
        "root_id": request.root_id,
        "parent_id": request.parent_id,
        "mine": request.get("x-mine"),
        "lang": request.get("lang"),
        "reply_to": request.reply_to,
    }


@app.task(name="python.flaky", bind=True, max_retries=3)
def flaky(self, times):
    if self.request.retries < times:
        raise self.retry(exc=RuntimeError("not yet"), countdown=0.1)
    return f"after {self.request.retries}"
