"""What stands for a module that is imported later is as good as the module."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from analytics_es.process import Later


@pytest.mark.parametrize("made", [copy.copy, copy.deepcopy])
def test_a_copy_is_the_module(made: Callable[[Later], Any]) -> None:
    assert made(Later("json")) is json


def test_who_waits_for_the_import_is_told_once() -> None:
    told: list[str] = []
    later = Later("json", lambda: told.append("imported"))

    assert (later.loads, later.dumps, told) == (json.loads, json.dumps, ["imported"])
