"""Read by Python at its start: gives back to Celery 5.2 what newer Pythons took away."""

import functools
import logging
import threading
from importlib import metadata

# Gone with 3.12.
if not hasattr(metadata.EntryPoints, "get"):
    metadata.EntryPoints.get = lambda self, group, default=(): self.select(group=group)
if not hasattr(functools.cached_property(str), "lock"):
    functools.cached_property.lock = threading.RLock()

# Gone with 3.13.
if not hasattr(logging, "_acquireLock"):
    logging._acquireLock = logging._lock.acquire
    logging._releaseLock = logging._lock.release
