"""Trouble is logged when it begins, when it becomes another, and when it is over."""

from __future__ import annotations

import logging

import pytest

from analytics_es.errors import StoreBusy, StoreUnavailable
from analytics_es.process import Trouble


def test_trouble_is_logged_once_a_kind_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    trouble = Trouble(logging.getLogger("analytics_es.here"), "It", lambda: now[0])
    trouble.over()
    for port in (1, 2, 3):
        trouble.begins(StoreUnavailable(problem=f"port {port}"))
    now[0] = 5.0
    trouble.begins(StoreBusy(seconds=30))
    now[0] = 13.04
    trouble.over()
    trouble.over()
    trouble.begins("gone")

    unavailable, busy, over, gone = caplog.messages
    assert unavailable.startswith("It: The database cannot be reached: port 1.")
    assert busy == f"It: {StoreBusy(seconds=30)} It is tried again."
    assert over == "It: goes on after 13.0 s."
    assert gone == "It: gone It is tried again."
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR", "WARNING", "ERROR"]
