"""Processes that a test waits for: one that stands still is ended, says where it stood, and fails the test."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any

from tests.limits import OF_A_PROCESS


def in_a_child(work: Callable[[], object]) -> int:
    """Do something in a fork of this process; returns its exit code: 0 unless it fails. `tests.limits` ends it."""
    child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def joined(*processes: BaseProcess) -> list[int | None]:
    """Wait until all have ended; returns their exit codes."""
    deadline = time.monotonic() + OF_A_PROCESS
    for process in processes:
        process.join(max(deadline - time.monotonic(), 0))
    stood_still = [process for process in processes if process.is_alive()]
    for process in stood_still:
        assert process.pid
        os.kill(process.pid, signal.SIGABRT)  # it says where
    for process in stood_still:
        process.join(1)
        process.kill()
        process.join()
    assert not stood_still, f"stood still: {stood_still}"
    return [process.exitcode for process in processes]


@contextmanager
def patient(process: subprocess.Popen[Any]) -> Iterator[None]:
    """Abort a process that is read from for too long: what is read then ends with where it stood."""
    timer = threading.Timer(OF_A_PROCESS, process.send_signal, [signal.SIGABRT])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def ran(command: str | Sequence[Any], **options: Any) -> subprocess.CompletedProcess[Any]:
    """Run a command to its end, and return what it said."""
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **{"text": True, **both, **options}) as process, patient(process):
        out, err = process.communicate()
    assert process.returncode != -signal.SIGABRT, f"stood still:\n{out}\n{err}"
    return subprocess.CompletedProcess(command, process.returncode, out, err)
