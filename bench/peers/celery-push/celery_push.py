"""The peer: a push per task, as users of Celery write it, with one HTTP/2 client for the life of each process."""

import os
import ssl

import httpx
from celery import Celery
from celery.signals import worker_process_init, worker_ready

app = Celery("celery_push", broker=os.environ["BROKER_URL"], backend=os.environ["RESULT_URL"])
app.conf.update(task_acks_late=True, broker_connection_retry_on_startup=True)

client = None


@worker_process_init.connect
def open_client(**_):
    global client
    client = httpx.Client(
        http2=True,
        base_url=os.environ["FCM_BASE_URL"],
        proxy=os.environ.get("FCM_PROXY_URL"),
        verify=ssl.create_default_context(cafile=os.environ["FCM_CA_FILE"]),
        headers={"authorization": f"Bearer {os.environ['FCM_TOKEN']}"},
        timeout=15,
    )


@app.task(name="peer.push")
def push(message):
    answer = client.post(os.environ["FCM_PATH"], json={"message": message})
    answer.raise_for_status()
    return answer.json()["name"]


@worker_ready.connect
def tell(**_):
    # Celery's own line is at level INFO, at which it would print two more for every task.
    os.write(1, b"peer ready\n")
