"""Bits that are flipped: of what the log says it is always said, and nothing is met as a bare error."""

from __future__ import annotations

import os
import random
from pathlib import Path

from tests.faults.flips import flip, flip_rows
from tests.servers import Server

SEED = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(2**32))


def test_a_bit_that_is_flipped_in_a_file_is_said_wherever_it_changes_what_the_file_says(tmp_path: Path) -> None:
    left = flip(tmp_path, flips=9, seed=SEED)

    assert left.flips.total() == 9
    assert (left.unsaid, left.bare) == ([], [])


def test_a_bit_that_is_flipped_in_an_event_on_postgres_is_said(postgres: Server, vault_key: None) -> None:
    left = flip_rows(postgres, flips=6, seed=SEED)

    assert left.said.total() == 6
    assert (left.unsaid, left.bare) == ([], [])
