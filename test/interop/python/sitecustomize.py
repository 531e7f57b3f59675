"""Read by Python at its start: Celery 5.2 calls a method that Python 3.12 took away."""

from importlib import metadata

if not hasattr(metadata.EntryPoints, "get"):
    metadata.EntryPoints.get = lambda self, group, default=(): self.select(group=group)
