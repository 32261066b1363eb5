"""Laws of the ledger: whatever agents do to their files, and readers to themselves, each true call is there once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analytics_es.ingest.sessions.state import State
from tests.examples import examples
from tests.ingest.sessions.histories import History, chats, claude, codex, opencode
from tests.ingest.sessions.ledger import Ledger, tokens_of
from tests.stores import opened

# By agent: the variable that names its home, and what makes up its histories.
AGENTS: dict[str, tuple[str, Callable[[Random, int], History]]] = {
    "claude-code": ("CLAUDE_CONFIG_DIR", claude.history),
    "codex": ("CODEX_HOME", codex.history),
    "gemini-cli": ("GEMINI_DATA_DIR", chats.gemini),
    "qwen-code": ("QWEN_DATA_DIR", chats.qwen),
    "opencode": ("OPENCODE_DATA_DIR", opencode.history),
}
EACH_AGENT = pytest.mark.parametrize("agent", AGENTS)


class Killed(Exception):
    """What ends a reader at any moment."""


@contextmanager
def ledger_of(agent: str) -> Iterator[Ledger]:
    """Return an empty ledger, and name the folder of its agent in the environment."""
    with TemporaryDirectory() as folder, opened() as analytics, pytest.MonkeyPatch.context() as patch:
        patch.setenv(AGENTS[agent][0], f"{folder}/home")
        yield Ledger(analytics, Path(folder), (agent,), now=0.0)  # before any file changed: none has rested


def told(ledger: Ledger) -> dict[str, Any]:
    """Return what the ledger says of its calls, as a history does."""
    calls: dict[str, Any] = {}
    for event in ledger.events():
        assert event.id not in calls, "a call is there twice"
        counts = tuple(sorted((kind, count) for kind, count in tokens_of(event.data).items() if count))
        partial = bool(event.data["attributes"].get("partial"))
        calls[event.id] = (event.occurred_at.date().isoformat(), event.data.get("model"), counts, partial)
    return calls


@EACH_AGENT
@pytest.mark.parametrize("seed", range(2))
def test_what_was_read_at_once_is_each_true_call_once(agent: str, seed: int) -> None:
    history = AGENTS[agent][1](Random(seed), 300)
    with ledger_of(agent) as ledger:
        history.write(ledger.folder / "home")

        ledger.read()

        assert told(ledger) == history.told()


@EACH_AGENT
@given(seed=st.integers(0, 1 << 32), calls=st.integers(1, 40))  # drawn choices would take minutes to make small
@example(seed=223, calls=30)  # a call that was settled is told again by another file, and the one after it follows
@examples(10)
def test_however_often_readers_look_are_killed_and_forget_each_true_call_is_there_once(
    agent: str, seed: int, calls: int
) -> None:
    random = Random(seed)
    history = AGENTS[agent][1](random, calls)
    with ledger_of(agent) as ledger:
        readers = [ledger, Ledger(ledger.analytics, ledger.folder / "other", (agent,), now=0.0)]
        for step in history.steps:
            step.do(ledger.folder / "home")
            if random.random() < 0.3:
                _look(random.choice(readers), random)
        for reader in readers:
            reader.read()

        assert told(ledger) == history.told()


def _look(ledger: Ledger, random: Random) -> None:
    """Look once; now and then the state is lost before, or the reader killed on its way."""
    if random.random() < 0.1:
        ledger.lose_state()
    reader = ledger.reader()
    left = [random.randrange(6)]
    reader.state.close()
    reader.state = FragileState(ledger.state)
    reader.state.left = left
    reader.record = _fragile(reader.record, left)
    try:
        ledger.look(reader)
    except Killed:
        pass
    finally:
        reader.state.close()


class FragileState(State):
    """A state whose reader may be killed before something is kept, or after."""

    left: list[int]

    def keep(self, agent: str, **options: Any) -> None:
        _fragile(super().keep, self.left)(agent, **options)


def _fragile(work: Callable[..., Any], left: list[int]) -> Callable[..., Any]:
    """Return what does the work until nothing is left, and then is killed before it, or after."""

    def working(*arguments: Any, **options: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        result = work(*arguments, **options)
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return result

    return working
