"""Histories of 2,000 calls, with traps at random: tokens by day and model as ccusage counts them, but what is named."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from tests.ingest.sessions import ccusage
from tests.ingest.sessions.histories import KINDS, History
from tests.ingest.sessions.ledger import tokens_of
from tests.ingest.sessions.test_histories import AGENTS, ledger_of

CALLS = 2000
# Agents of whose models it tells what came out without the thoughts, which only the totals of its days have.
WITHOUT_THOUGHTS = ("gemini-cli", "qwen-code", "opencode")

Tokens = Counter[tuple[str, str | None, str]]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("agent", AGENTS)
def test_the_ledger_and_ccusage_count_the_same_but_what_is_named(agent: str, seed: int, tmp_path: Path) -> None:
    ccusage.needed()
    history = AGENTS[agent][1](Random(seed), CALLS)
    with ledger_of(agent) as ledger:
        history.write(ledger.folder / "home")
        ledger.read()
        ours: Tokens = Counter()
        thoughts: Tokens = Counter()
        for event in ledger.events():
            day, model, tokens = event.occurred_at.date().isoformat(), event.data.get("model"), tokens_of(event.data)
            ours.update({(day, model, kind): tokens.get(kind, 0) for kind in KINDS})
            thoughts[day, model, "output"] += tokens.get("reasoning", 0)

        theirs = ccusage.says(agent, ledger.folder / "home", tmp_path / "nobody")

    beyond = _named(history)
    totals: Counter[str] = Counter()
    for (day, _, kind), count in (*ours.items(), *beyond.items()):
        totals[day] += count if kind in ("input", "output") else 0
    expected = {key: ours[key] + beyond[key] for key in ours.keys() | beyond.keys()}
    if agent in WITHOUT_THOUGHTS:
        expected = {key: count - thoughts[key] for key, count in expected.items()}
    assert dict(theirs.tokens) == {key: count for key, count in expected.items() if count}
    assert theirs.totals == +totals


def _named(history: History) -> Tokens:
    """Return what ccusage is known to count beyond the ledger, or below."""
    return Counter({key: count for key, count in history.beyond.items() if key[2] in KINDS})
