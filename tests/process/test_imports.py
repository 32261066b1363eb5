"""A fork waits for what other threads import, so that the child can use it."""

from __future__ import annotations

import importlib
import os
import threading
from pathlib import Path

import pytest

from analytics_es.process import forks
from tests.children import in_a_child
from tests.stores import PATIENCE

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
    assert begun.wait(PATIENCE)

    assert in_a_child(lambda: importlib.import_module("imported_slowly")) == 0
    importing.join()

    importlib.import_module("json.tool")  # the parent imports again, too
