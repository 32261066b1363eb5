"""A plugin of pytest: what stands still ends, and says where: a test, and a process that is a fork of a test's.

And what fails is named at once: a run that is ended from outside tells nothing at its end.

A worker of pytest-xdist that stands still lets the whole run do so. And a fork of one holds its pipes: as long as it is
there, nobody learns that the worker has ended. So both have a limit. They are ended below Python, which may be what
stands still, and all their stacks are on stderr.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from collections.abc import Iterator

import pytest

# Seconds. No test needs a minute, and what it starts needs less; a busy machine takes ten times as long.
OF_A_TEST = 600
OF_A_PROCESS = 240

_stderr = pytest.StashKey[int]()


def limit_a_fork() -> None:
    """End this process when its time is over."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    faulthandler.register(signal.SIGALRM, file=2, chain=True)
    signal.alarm(OF_A_PROCESS)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_stderr] = os.dup(2)  # now, because it is another one while a test is captured
    os.environ["PYTHONFAULTHANDLER"] = "1"  # another Python that is aborted says where it was, too
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=limit_a_fork)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        sys.__stderr__.write(f"\n{report.nodeid} failed\n")  # type: ignore[union-attr]


def _limited(item: pytest.Item) -> Iterator[None]:
    faulthandler.dump_traceback_later(OF_A_TEST, file=item.config.stash[_stderr], exit=True)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


# Each phase by itself: what fails in one may stand still in the next.
pytest_runtest_setup = pytest.hookimpl(wrapper=True, tryfirst=True)(_limited)
pytest_runtest_call = pytest.hookimpl(wrapper=True, tryfirst=True)(_limited)
pytest_runtest_teardown = pytest.hookimpl(wrapper=True, tryfirst=True)(_limited)
