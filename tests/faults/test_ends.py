"""Whoever closes nothing ends without a word, with the status of the program; all that was acknowledged is there."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.ends import ENDS, PLACES, WAYS, Places, run
from tests.servers import Server

# Every two of place, way and end meet; `make soak` runs all of them, again and again.
PAIRS = [(PLACES[(at + end) % len(PLACES)], way, ENDS[end]) for at, way in enumerate(WAYS) for end in range(len(ENDS))]
TOGETHER = os.cpu_count() or 2


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, postgres: Server) -> Places:
    return Places(tmp_path_factory.mktemp("ends"), postgres)


@pytest.mark.usefixtures("vault_key")
def test_a_service_that_is_never_closed_ends_without_a_word(places: Places) -> None:
    with ThreadPoolExecutor(TOGETHER) as together:
        wrong = together.map(lambda pair: run(places.new(pair[0], pair[1]), *pair[1:]), PAIRS)

    assert {pair: problems for pair, problems in zip(PAIRS, wrong, strict=True) if problems} == {}
