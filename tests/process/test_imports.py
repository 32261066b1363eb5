"""A fork waits for what other threads import, so that the child can use it."""

from __future__ import annotations

import importlib
import os
import signal
import threading
from pathlib import Path

import pytest

from analytics_es.process import forks

# Begins, waits until the process is about to fork, and takes a while then.
SLOW = """
from tests.process.test_imports import begun, forking
begun.set()
forking.wait()
sum(range(3_000_000))
"""

begun, forking = threading.Event(), threading.Event()


class AboutToFork(forks.Forking):
    """Comes to rest before imports do."""

    def before_fork(self) -> None:
        forking.set()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_child_can_import_what_a_thread_was_importing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "imported_slowly.py").write_text(SLOW)
    monkeypatch.syspath_prepend(tmp_path)
    importing = threading.Thread(target=importlib.import_module, args=["imported_slowly"])
    about_to_fork = AboutToFork()
    forks.register(about_to_fork)
    importing.start()
    begun.wait()

    child = os.fork()
    if not child:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(5)
        importlib.import_module("imported_slowly")
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    importing.join()

    assert status == 0
    importlib.import_module("json.tool")  # the parent imports again, too
