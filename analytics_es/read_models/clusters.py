"""A Dask cluster as the executor of a replay: reached by its address, and known to be gone when it is."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from analytics_es.errors import CannotReachScheduler, MissingExtra

LIBRARY = "distributed"
ANSWERS_WITHIN = 30.0  # seconds, of a scheduler that is busy


def lost(executor: Executor) -> str | None:
    """Say why an executor gives no results any more; None where it may, and of those that are no cluster's.

    What was handed in while its scheduler went away may be waited for without end.
    """
    client: Any = getattr(executor, "_client", None)
    if not type(client).__module__.startswith(LIBRARY):
        return None
    if client.status in ("closing", "closed"):
        return "the connection to the scheduler is closed"
    try:
        client.sync(client.scheduler.identity, callback_timeout=ANSWERS_WITHIN)
    except Exception as error:
        return f"the scheduler does not answer ({str(error) or type(error).__name__})".splitlines()[0]
    return None


def failed_with(error: Exception) -> bool:
    """Say whether an error is a cluster's: what it has lost may make its own client stumble."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    raised_in = str(frames[-1].f_globals.get("__name__", "")) if frames else ""
    return type(error).__module__.startswith(LIBRARY) or raised_in.startswith(LIBRARY)


@contextmanager
def cluster(address: str, *, seconds: float = 10.0) -> Iterator[Executor]:
    """Connect to a Dask scheduler, such as tcp://host:8786; raises MissingExtra, CannotReachScheduler."""
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise MissingExtra(package=error.name, extra="dask") from None
    with _quiet():
        try:
            client = Client(address, timeout=seconds, set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, ValueError, TypeError) as error:  # nobody there, or not an address
            problem = (str(error) or type(error).__name__).splitlines()[0]
            raise CannotReachScheduler(address=address, problem=problem) from None
        with client:
            yield client.get_executor()  # type: ignore[no-untyped-call]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the cluster's library logs off the terminal: what matters is raised."""
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in ("distributed", "tornado")]
    levels = {logging.getLogger(name): logging.getLogger(name).level for name in names}
    for logger in levels:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)
