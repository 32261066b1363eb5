"""What stands still ends and says where: a test that lets nobody else run, a fork of it, a process it waits for."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import pytest

from tests import children, limits
from tests.children import in_a_child, ran

FOR_EVER = """
import re
def test_of_a_thread_that_lets_no_other_run():
    re.match(r"(a|aa)+$", "a" * 80 + "b")
"""


def stand_still() -> None:
    re.match(r"(a|aa)+$", "a" * 80 + "b")  # below Python, which nothing interrupts


def test_a_test_that_stands_still_ends_with_its_process(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(FOR_EVER)
    code = "import sys, pytest; from tests import limits; limits.OF_A_TEST = 1; sys.exit(pytest.main(sys.argv[1:]))"
    by_itself = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}

    done = ran([sys.executable, "-c", code, "-p", "tests.limits", "-p", "no:cacheprovider", tmp_path], env=by_itself)

    assert done.returncode == 1
    assert "in test_of_a_thread_that_lets_no_other_run" in done.stderr


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # beside threads, of Python 3.12 on
def test_a_fork_of_a_test_that_stands_still_ends(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(limits, "OF_A_PROCESS", 1)

    assert in_a_child(stand_still) == -signal.SIGALRM
    assert "in stand_still" in capfd.readouterr().err


def test_a_process_that_is_waited_for_and_stands_still_fails_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "OF_A_PROCESS", 2)
    code = "import threading\ndef stand_still():\n    threading.Event().wait()\nstand_still()"

    with pytest.raises(AssertionError, match="line 3 in stand_still"):
        ran([sys.executable, "-c", code])
