"""What is known of expressions: what is kept of our own is what the parser says, and spares opening an engine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from analytics_es.projection import expressions
from tests.children import ran
from tests.projection import kept


def test_what_is_kept_of_our_own_expressions_is_what_the_parser_says() -> None:
    assert expressions.KEPT.read_text() == kept.written(), "run: python -m tests.projection.kept"


def test_our_own_definitions_were_checked_when_it_was_kept() -> None:
    assert [own.name for own in kept.declared() if not expressions.is_kept(own.fingerprint)] == []


@pytest.mark.parametrize(
    "content", [b"", b'{"fingerprints": [', b"\xff", None], ids=["empty", "cut", "odd", "not there"]
)
def test_without_what_is_kept_the_parser_is_asked(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = kept.declared()[0]
    monkeypatch.setattr(expressions, "KEPT", tmp_path / "kept.json")
    if content is not None:
        expressions.KEPT.write_bytes(content)
    forget()
    try:
        assert not expressions.is_kept(own.fingerprint)
        assert {sql: expressions.tree(sql) for sql in own.expressions}
    finally:
        forget()


def forget() -> None:
    expressions._kept.cache_clear()
    expressions.tree.cache_clear()


OPENED = """
import duckdb
from analytics_es import AnalyticsService

def refuse(*args, **named):
    raise AssertionError("an engine was opened")

duckdb.connect = refuse
with AnalyticsService.open(":memory:", follow=False) as analytics:
    analytics.record_event("provider.call.completed", {"model": "m", "input_tokens": 5, "user_id": "ada"}).unwrap()
    analytics.record_event("review.merged", {"attributes": {"team": "blue"}}).unwrap()
    analytics.catch_up()
    print(len(analytics.projections().unwrap()))
"""


def test_a_store_with_our_own_projections_opens_and_takes_a_few_events_in_without_an_engine() -> None:
    done = ran([sys.executable, "-c", OPENED])

    assert (done.stdout, done.stderr) == ("4\n", "")


@pytest.mark.parametrize(
    "sql", ["(SELECT 1)", "count(*)", "now()", "random()", "$1", "*", "1, 2", "1 FROM x", "1 WHERE true", "1 +", "a()"]
)
def test_only_one_pure_scalar_expression_has_a_tree(sql: str) -> None:
    with pytest.raises(ValueError, match=r"[^\n]+"):
        expressions.tree(sql)


def test_a_quoted_path_is_read_without_the_parser() -> None:
    path = '"attributes"."team name"'

    assert expressions.tree(path) == expressions.parsed(path)
