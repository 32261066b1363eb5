"""Forget, retain, export and backup killed anywhere: nothing is lost, left over, or kept of who was forgotten."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.faults.cuts import cut
from tests.faults.dying import WORKS
from tests.servers import Server

SEED = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(2**32))


@pytest.mark.parametrize("work", WORKS)
def test_what_is_killed_at_any_call_is_completed_and_who_is_forgotten_is_in_no_byte_untold(
    tmp_path: Path, work: str
) -> None:
    left = cut(None, tmp_path, kills=1, seed=SEED, works=[work])

    assert left.kills.total() == 1
    assert left.calls[work] > 50


@pytest.mark.parametrize("work", ["forget after retain", "export as parquet"])
def test_so_it_is_on_postgres(postgres: Server, vault_key: None, tmp_path: Path, work: str) -> None:
    assert cut(postgres, tmp_path, kills=1, seed=SEED, works=[work]).kills.total() == 1
