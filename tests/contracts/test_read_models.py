"""The contract of the read models, for every backend: rows merge, and move with their checkpoint or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_es.errors import AnalyticsError, BadDeclaration, OtherTimezone, RebuildLost, RebuildRunning, StoreFailed
from analytics_es.log.postgres import Database
from analytics_es.projection import (
    Histogram,
    count,
    declaration_of,
    histogram,
    key,
    largest,
    projection,
    smallest,
    total,
)
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Folded
from analytics_es.read_models import ReadModels, Span, beside, registry
from analytics_es.read_models.postgres import PostgresReadModels
from analytics_es.read_models.registry import WRITE_ABOUT
from analytics_es.read_models.sqlite import SQLiteReadModels
from analytics_es.read_models.store import SEAL
from tests.servers import Server

HOUR = 3600


def declared(name: str = "Mine", *, where: str | None = None) -> Declaration:
    """Return a projection with a measure of every kind."""

    class Mine:
        who: str = key("entity.type")
        which: str = key("entity.id")
        region: str = key("attributes.region")
        events: int = count()
        value: int | None = total("value")
        least: int | None = smallest("value")
        most: int | None = largest("value")
        size: Histogram = histogram("attributes.size")

    Mine.__name__ = name
    return declaration_of(projection(version=1, consumes=(">",), entities=("user",), where=where)(Mine))


MINE = declared()
ALL = [column for measure in MINE.measures for column in measure.columns]
EVER = [Span("hour", 0, 2**40)]
WHOLE = {"who": ""}

OpenViews = Callable[..., ReadModels]


@pytest.fixture(params=["file", "memory", "postgres"])
def open_views(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenViews]:
    """Open the read models of a backend, again or for the first time."""
    opened: list[Callable[[], None]] = []
    server = request.getfixturevalue("postgres") if request.param == "postgres" else None
    schema = server.schema() if server else ""

    def opening(declarations: Sequence[Declaration] = (MINE,), log: str = "a log", timezone: str = "UTC") -> ReadModels:
        read_models: ReadModels
        if server:
            database = Database(server.url, schema)
            opened.append(database.close)
            _migrated(database)
            read_models = PostgresReadModels(database, declarations, log=log, timezone=timezone)
        else:
            path = tmp_path / "a.views.db" if request.param == "file" else None
            read_models = SQLiteReadModels(path, declarations, log=log, timezone=timezone)
            opened.append(read_models.close)
        return read_models

    yield opening
    for close in opened:
        close()


def _migrated(database: Database) -> None:
    from analytics_es.log.postgres.checkpoints import PostgresCheckpoints
    from analytics_es.log.postgres.migrations import migrate
    from analytics_es.log.postgres.recorder import PostgresRecorder

    migrate(database, PostgresRecorder(database.writing), PostgresCheckpoints(database))


@pytest.fixture
def read_models(open_views: OpenViews) -> ReadModels:
    return open_views()


def row(
    bucket: int = 0,
    who: str = "",
    which: str = "",
    region: str = "eu",
    *,
    events: int = 1,
    value: int | None = None,
    least: int | None = None,
    most: int | None = None,
    sizes: Sequence[int] = (),
) -> tuple[Any, ...]:
    """Return a row of `Mine` that stands for some events of one value."""
    known, different = list(sizes), sorted({*sizes})
    buckets = orjson.dumps([different, [known.count(size) for size in different]]).decode()
    figures = (len(known), sum(known) if known else None, min(known, default=None), max(known, default=None), buckets)
    ends = value if least is None else least, value if most is None else most
    return ("hour", who, bucket, which, region, events, value, *ends, *figures)


def folded(*rows: tuple[Any, ...], unreadable: Sequence[tuple[int, int, str]] = ()) -> Folded:
    return Folded(rows=list(rows), unreadable=list(unreadable))


def rows(read_models: ReadModels) -> list[tuple[Any, ...]]:
    with read_models.read() as snapshot:
        return snapshot.rows(read_models.declarations["mine"])


def position(read_models: ReadModels) -> int:
    with read_models.read() as snapshot:
        return snapshot.positions["mine"]


def commit(read_models: ReadModels, *given: tuple[Any, ...], expected: int = 0, to: int = 1, **more: Any) -> bool:
    return read_models.commit("mine", folded(*given, **more), expected=expected, position=to)


# ── rows and checkpoint ─────────────────────────────────────────────────────────────────────────────────────────


def test_rows_and_checkpoint_move_together(read_models: ReadModels) -> None:
    assert (position(read_models), rows(read_models)) == (0, [])
    assert commit(read_models, row(value=5), to=7)
    assert (position(read_models), rows(read_models)) == (7, [row(value=5)])


def test_from_where_the_checkpoint_is_not_nothing_moves(read_models: ReadModels) -> None:
    commit(read_models, row(), to=7)

    assert not commit(read_models, row(), expected=0, to=9)
    assert not commit(read_models, row(), expected=6, to=9)
    assert (position(read_models), rows(read_models)) == (7, [row()])


def test_rows_that_cannot_be_stored_move_no_checkpoint(read_models: ReadModels) -> None:
    commit(read_models, row(events=2**63 - 1), to=7)

    with pytest.raises(StoreFailed):
        commit(read_models, row(bucket=HOUR), row(events=1), expected=7, to=9)
    assert (position(read_models), rows(read_models)) == (7, [row(events=2**63 - 1)])


OTHERS = declared("Others")
BOTH = [MINE, OTHERS]


def commit_both(read_models: ReadModels, mine: Folded, others: Folded, *, expected: int, to: int) -> bool:
    return read_models.commit_all({MINE: mine, OTHERS: others}, expected=expected, position=to)


def both(read_models: ReadModels) -> dict[str, tuple[int, list[tuple[Any, ...]]]]:
    with read_models.read() as snapshot:
        return {each.name: (snapshot.positions[each.name], snapshot.rows(each)) for each in BOTH}


def test_several_move_together_with_what_each_took_in(open_views: OpenViews) -> None:
    together = open_views(BOTH)
    batch = Folded(rows=[row(value=5)], unreadable=[(1, 0, "value")], days=[(0, 3, 10)])

    assert commit_both(together, batch, folded(), expected=0, to=7)
    assert both(together) == {"mine": (7, [row(value=5)]), "others": (7, [])}
    with together.read() as snapshot:
        assert (snapshot.unreadable("mine"), snapshot.ledger("mine")) == (1, [(0, 3, 10)])
        assert (snapshot.unreadable("others"), snapshot.ledger("others")) == (0, [])


@pytest.mark.parametrize("ahead", ["mine", "others"])
def test_where_one_of_several_was_moved_none_moves(open_views: OpenViews, ahead: str) -> None:
    read_models = open_views(BOTH)
    read_models.commit(ahead, folded(row(events=5)), expected=0, position=3)
    before = both(read_models)

    assert not commit_both(read_models, folded(row()), folded(row()), expected=0, to=7)
    assert not commit_both(read_models, folded(row()), folded(row()), expected=3, to=7)
    assert both(read_models) == before


def test_where_the_rows_of_one_of_several_are_refused_none_moves(open_views: OpenViews) -> None:
    read_models = open_views(BOTH)
    read_models.commit("others", folded(row(events=2**63 - 1)), expected=0, position=7)
    read_models.commit("mine", folded(row()), expected=0, position=7)
    before = both(read_models)

    with pytest.raises(StoreFailed):
        commit_both(read_models, folded(row()), folded(row(events=1)), expected=7, to=9)
    assert both(read_models) == before


def test_one_that_was_replaced_meanwhile_moves_with_no_others(open_views: OpenViews) -> None:
    read_models = open_views(BOTH)
    (new,) = beside.begin(read_models, ["others"])
    assert beside.promote(read_models, [new])
    beside.clear_away(read_models)

    assert not commit_both(read_models, folded(row()), folded(row()), expected=0, to=7)
    assert (position(read_models), rows(read_models)) == (0, [])


NUMBERS = st.one_of(st.integers(-5, 5), st.integers(-(10**40), 10**40), st.sampled_from([2**63 - 1, -(2**63), 2**63]))


@pytest.mark.parametrize("first", [2**63 - 1, -(2**63), 2**63, 10**30, -(10**30)])
@pytest.mark.parametrize("second", [1, -1, 0, 2**63, -(2**63), 10**30, -(10**30), None])
def test_sums_least_and_most_pass_64_bits(read_models: ReadModels, first: int, second: int | None) -> None:
    numbers = [number for number in (first, second) if number is not None]
    commit(read_models, row(value=first), to=1)
    commit(read_models, row(value=second), row(bucket=HOUR, value=3), expected=1, to=2)

    expected = row(events=2, value=sum(numbers), least=min(numbers), most=max(numbers))
    assert rows(read_models) == [expected, row(bucket=HOUR, value=3)]
    with read_models.read() as snapshot:
        assert snapshot.page(MINE, EVER, after=[], limit=9) == snapshot.rows(MINE)
        assert snapshot.sums(MINE, ALL[1:4], EVER) == [(sum(numbers) + 3, min(*numbers, 3), max(*numbers, 3))]


def test_of_many_that_commit_the_same_batch_one_does(read_models: ReadModels) -> None:
    together, done = threading.Barrier(4), list[bool]()

    def run() -> None:
        together.wait()
        done.append(commit(read_models, row(), to=3))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(done) == [False, False, False, True]
    assert rows(read_models) == [row()]


def test_what_is_opened_again_is_where_it_was(open_views: OpenViews) -> None:
    first = open_views()
    if isinstance(first, SQLiteReadModels) and first.place is None:
        return  # memory forgets
    commit(first, row(), to=7)

    again = open_views()

    assert (position(again), rows(again)) == (7, [row()])


def test_another_log_begins_again_and_another_definition_leaves_what_serves(open_views: OpenViews) -> None:
    if (first := open_views()).place is None:
        return
    commit(first, row(), to=7, unreadable=[(1, 0, "value")])
    other = open_views([declared(where="value > 0")])
    assert (position(other), rows(other)) == (7, [row()])
    assert other.live()["mine"].declaration.definition == MINE.definition

    another = open_views([declared(where="value > 0")], log="another log")
    assert (position(another), rows(another)) == (0, [])
    assert another.live()["mine"].declaration.where == "value > 0"
    with another.read() as snapshot:
        assert snapshot.unreadable("mine") == 0


def test_a_definition_of_nothing_is_replaced_at_once(open_views: OpenViews) -> None:
    if open_views().place is None:
        return
    other = open_views([declared(where="value > 0")])
    assert other.live()["mine"].declaration.where == "value > 0"


# ── beside the live ones ────────────────────────────────────────────────────────────────────────────────────────


def test_a_read_model_beside_the_live_one_is_seen_by_nobody_until_it_is_promoted(read_models: ReadModels) -> None:
    commit(read_models, row(), to=7, unreadable=[(1, 0, "value")])
    with read_models.rebuilding():
        (new,) = beside.begin(read_models, ["mine"])
        read_models.commit(new, folded(row(events=5)), expected=0, position=7)
        assert (position(read_models), rows(read_models)) == (7, [row()])
        with read_models.read() as before:
            assert beside.promote(read_models, [new]) if read_models.place is not None else True
            assert before.rows(before.live["mine"]) == [row()]
        if read_models.place is None:  # one connection, which the snapshot keeps to itself
            assert beside.promote(read_models, [new])
    with read_models.read() as snapshot:
        assert (snapshot.positions["mine"], snapshot.unreadable("mine")) == (7, 0)
        assert snapshot.rows(snapshot.live["mine"]) == [row(events=5)]


def test_who_still_believes_in_the_old_read_model_changes_nothing(read_models: ReadModels) -> None:
    commit(read_models, row(), to=7)
    old = read_models.live()["mine"].declaration
    (new,) = beside.begin(read_models, ["mine"])
    read_models.commit(new, folded(row(events=5)), expected=0, position=7)
    assert beside.promote(read_models, [new])

    assert not read_models.commit(old, folded(row()), expected=7, position=8)
    assert beside.clear_away(read_models) == [old.table]
    assert not read_models.commit(old, folded(row()), expected=7, position=8)
    assert commit(read_models, row(), expected=7, to=8)


def test_what_is_behind_the_live_one_is_not_promoted(read_models: ReadModels) -> None:
    commit(read_models, row(), to=7)
    (new,) = beside.begin(read_models, ["mine"])
    read_models.commit(new, folded(), expected=0, position=6)

    assert not beside.promote(read_models, [new])
    assert (position(read_models), rows(read_models)) == (7, [row()])


def test_what_was_cleared_away_is_not_promoted(read_models: ReadModels) -> None:
    (new,) = beside.begin(read_models, ["mine"])
    beside.clear_away(read_models)

    with pytest.raises(RebuildLost):
        beside.promote(read_models, [new])


def test_one_rebuilds_at_a_time(open_views: OpenViews) -> None:
    one, other = open_views(), open_views()
    with one.rebuilding():
        with pytest.raises(RebuildRunning), one.rebuilding(patience=0):
            pass
        if one.place is not None:
            with pytest.raises(RebuildRunning), other.rebuilding(patience=0):
                pass
    with other.rebuilding():
        pass


def test_what_a_rebuild_left_is_removed_by_the_next_start_unless_it_is_under_way(open_views: OpenViews) -> None:
    first = open_views()
    (new,) = beside.begin(first, ["mine"])
    first.commit(new, folded(row()), expected=0, position=7)
    with first.rebuilding():
        first_again = first if first.place is None else open_views()
        beside.tidy(first_again)
        assert first.commit(new, folded(row()), expected=7, position=8)
    beside.tidy(first)
    assert beside.clear_away(first) == []
    assert not first.commit(new, folded(row()), expected=8, position=9)


def test_what_is_about_to_be_sealed_is_noted_of_this_log_alone(open_views: OpenViews) -> None:
    """Another log's rows may lie beside ours, of a projection that nobody here knows: nothing of them is sealed."""
    read_models, theirs = open_views(), declared("Theirs")
    commit(read_models, row(), to=7)
    with read_models.writing() as cursor:
        read_models.create_anew(cursor, theirs)
        registry.register(cursor, theirs, "another log", [])
        cursor.execute(WRITE_ABOUT, (f"{SEAL}{theirs.table}", "3"))
        read_models.checkpoints.begin(cursor, f"another log:{theirs.table}")
        assert read_models.checkpoints.advance(cursor, f"another log:{theirs.table}", expected=0, position=9)

    def noted() -> dict[str, str]:
        with read_models.reading() as cursor:
            about = read_models.about(cursor)
        return {name.partition(":")[2]: seal for name, seal in about.items() if name.startswith(SEAL)}

    read_models.about_to_seal(1, 7)
    assert noted() == {MINE.table: "1", theirs.table: "3"}
    read_models.about_to_seal(1, 8)  # a run was stopped before the seal, and one event has come since
    assert noted() == {MINE.table: "0", theirs.table: "3"}
    read_models.about_to_seal(2, 8, ["mine"])
    assert noted() == {MINE.table: "2", theirs.table: "3"}
    read_models.about_to_seal(3, 8)
    assert noted() == {MINE.table: "2", theirs.table: "3"}


def test_the_ledger_counts_the_days_with_the_rows(read_models: ReadModels) -> None:
    for n in range(2):
        batch = Folded(rows=[], unreadable=[], days=[(0, 3, 10), (86_400, 1, 2**40)])
        read_models.commit("mine", batch, expected=n, position=n + 1)
    read_models.commit("mine", Folded(rows=[], unreadable=[], days=[(0, 1, 1)]), expected=0, position=9)

    with read_models.read() as snapshot:
        assert snapshot.ledger("mine") == [(0, 6, 20), (86_400, 2, 2**41)]


def test_another_zone_is_refused(open_views: OpenViews) -> None:
    if open_views().place is None:
        return
    with pytest.raises(OtherTimezone, match="kept in UTC, not Asia/Kathmandu"):
        open_views(timezone="Asia/Kathmandu")


def test_a_checkpoint_beyond_the_head_begins_again(read_models: ReadModels) -> None:
    commit(read_models, row(), to=7, unreadable=[(1, 0, "value")])

    read_models.restart_beyond(lambda: 7)
    assert (position(read_models), rows(read_models)) == (7, [row()])

    read_models.restart_beyond(lambda: 6)
    assert (position(read_models), rows(read_models)) == (0, [])
    with read_models.read() as snapshot:
        assert snapshot.unreadable("mine") == 0


# ── merging ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_kind_of_measure_merges_and_nothing_is_not_zero(read_models: ReadModels) -> None:
    commit(read_models, row(), row(bucket=HOUR, value=3, sizes=[1, 1, 5]), to=1)
    commit(read_models, row(value=4, sizes=[2]), row(bucket=HOUR, value=-2, sizes=[5, 7]), expected=1, to=2)
    commit(read_models, row(), row(bucket=HOUR), expected=2, to=3)

    first, second = rows(read_models)
    assert first == ("hour", "", 0, "", "eu", 3, 4, 4, 4, 1, 2, 2, 2, "[[2],[1]]")
    assert second == ("hour", "", HOUR, "", "eu", 3, 1, -2, 3, 5, 19, 1, 7, "[[1,5,7],[2,2,1]]")


TEXTS = st.sampled_from(["", "a", "B", "ß", "z'; DROP TABLE about; --", "\\", "{}", "null", "%s ?", "é", "e"])
SOME = st.lists(
    st.builds(
        row,
        st.sampled_from([-HOUR, 0, HOUR]),
        st.sampled_from(["", "user"]),
        TEXTS,
        TEXTS,
        events=st.integers(0, 2**40),
        value=st.none() | st.integers(-(2**40), 2**40),
        sizes=st.lists(st.integers(-2, 40), max_size=5),
    ),
    max_size=8,
    unique_by=lambda each: each[:5],
)


@settings(max_examples=25)
@given(batches=st.lists(SOME, min_size=1, max_size=4))
def test_all_databases_hold_and_answer_the_same(postgres: Server, batches: list[list[tuple[Any, ...]]]) -> None:
    one = SQLiteReadModels(None, [MINE], log="a log", timezone="UTC")
    other = _shared(postgres)
    for number, batch in enumerate(batches):
        for read_models in (one, other):
            assert commit(read_models, *batch, expected=number, to=number + 1)

    assert rows(one) == rows(other)
    assert answers(one) == answers(other)
    one.close()


_kept: list[PostgresReadModels] = []


def _shared(postgres: Server) -> PostgresReadModels:
    """Return one store of PostgreSQL for many examples, emptied."""
    if not _kept:
        database = Database(postgres.url, postgres.schema())
        _migrated(database)
        _kept.append(PostgresReadModels(database, [MINE], log="a log", timezone="UTC"))
    _kept[0].restart_beyond(lambda: -1)
    return _kept[0]


@pytest.fixture(scope="module", autouse=True)
def _closing() -> Iterator[None]:
    yield
    while _kept:
        _kept.pop()._database.close()


def answers(read_models: ReadModels) -> list[Any]:
    """Ask everything that a snapshot can be asked."""
    hours = [Span("hour", -HOUR, 0, -HOUR), Span("hour", 0, 2 * HOUR)]
    with read_models.read() as snapshot:
        return [
            snapshot.positions,
            snapshot.sums(MINE, ALL, EVER),
            snapshot.sums(MINE, ALL, hours, where=WHOLE, by_time=True),
            snapshot.sums(MINE, ALL, hours, by=["region", "which"], by_time=True),
            snapshot.sums(MINE, ALL, EVER, where={"who": "user", "which": "ß"}),
            snapshot.distinct(MINE, "which", hours, by=["region"], where={"who": "user"}),
            snapshot.distinct(MINE, "which", hours, by=[], where={}),
            snapshot.top(MINE, ALL, hours, where={}, by="region", order="events", limit=3),
            snapshot.busy(MINE, hours, by=["who"]),
            snapshot.size(MINE),
            snapshot.unreadable("mine"),
            snapshot.unreadable_values(10),
        ]


def test_a_sum_of_rows_may_pass_64_bits(read_models: ReadModels) -> None:
    commit(read_models, row(value=2**63 - 1), row(bucket=HOUR, value=2**63 - 1), row(bucket=2 * HOUR, value=-5), to=1)

    with read_models.read() as snapshot:
        assert snapshot.sums(MINE, MINE.measures[1].columns, EVER) == [(2**64 - 7,)]


# ── what was unreadable, and swapping ───────────────────────────────────────────────────────────────────────────


def test_what_was_unreadable_is_listed_once_and_counted_by_the_hour(read_models: ReadModels) -> None:
    commit(read_models, to=1, unreadable=[(3, HOUR, "value"), (2, 0, "event"), (4, 5 * HOUR, "size")])
    commit(read_models, expected=1, to=2, unreadable=[(3, HOUR, "value")])

    with read_models.read() as snapshot:
        assert snapshot.unreadable_values(2) == [("mine", 2, "event"), ("mine", 3, "value")]
        assert [snapshot.unreadable("mine", *hours) for hours in ((HOUR, 2 * HOUR), (8 * HOUR, 9 * HOUR))] == [2, 1]
        assert snapshot.unreadable("mine") == 3


def test_rows_are_swapped_while_the_checkpoint_stands_still(read_models: ReadModels) -> None:
    commit(
        read_models,
        row(),
        row(bucket=HOUR),
        row(bucket=2 * HOUR),
        to=7,
        unreadable=[(1, HOUR, "value"), (2, 0, "event")],
    )

    with read_models.replacing("mine") as (cursor, live):
        assert live.position == 7
        read_models.delete(cursor, live.declaration, [Span("hour", HOUR, 2 * HOUR)])
        read_models.merge(cursor, live.declaration, folded(row(bucket=HOUR, value=9)))

    assert rows(read_models) == [row(), row(bucket=HOUR, value=9), row(bucket=2 * HOUR)]
    with read_models.read() as snapshot:
        assert snapshot.unreadable_values(10) == [("mine", 2, "event")]


def test_a_swap_that_fails_leaves_everything(read_models: ReadModels) -> None:
    commit(read_models, row(), to=7)

    with pytest.raises(ZeroDivisionError), read_models.replacing("mine") as (cursor, live):
        read_models.delete(cursor, live.declaration, EVER)
        1 / 0
    assert rows(read_models) == [row()]


def test_a_snapshot_sees_one_state(read_models: ReadModels) -> None:
    commit(read_models, row(), to=1)
    if isinstance(read_models, SQLiteReadModels) and read_models.place is None:
        return  # one connection: nobody writes beside it
    with read_models.read() as snapshot:
        before = snapshot.size(MINE)
        commit(read_models, row(bucket=HOUR), expected=1, to=2)
        assert (before, snapshot.size(MINE), snapshot.positions["mine"]) == (1, 1, 1)


@pytest.mark.parametrize("word", ["user", "grant", "current_user", "ctid", "xmax", "order", "localtime"])
def test_a_word_that_cannot_name_a_column_somewhere_is_refused_everywhere(word: str) -> None:
    with pytest.raises(BadDeclaration, match="is a word of SQL"):
        declaration_of(
            projection(version=1, consumes=(">",))(type("Bad", (), {"__annotations__": {word: int}, word: count()}))
        )


def test_the_words_of_the_server_are_known(postgres: Server) -> None:
    from analytics_es.projection import expressions

    found = {word for (word,) in postgres.run("SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')")}
    system = {name for (name,) in postgres.run("SELECT attname FROM pg_attribute WHERE attnum < 0 GROUP BY 1")}

    assert found | system <= expressions.words()


def test_errors_are_ours(read_models: ReadModels) -> None:
    with pytest.raises(AnalyticsError), read_models.read() as snapshot:
        snapshot._fetch("SELECT no_such_column FROM about", ())


# ── what was accepted ───────────────────────────────────────────────────────────────────────────────────────────


def letters(read_models: ReadModels, **which: Any) -> list[tuple[int, str, int]]:
    with read_models.read() as snapshot:
        return [tuple(each) for each in snapshot.letters("mine", **which)]


def test_what_is_discarded_is_listed_only_when_asked_for_and_stays_counted(read_models: ReadModels) -> None:
    commit(read_models, unreadable=[(1, HOUR, "value"), (1, HOUR, "size"), (2, 0, "event")], to=2)
    read_models.discard([("mine", 1, "value")])
    read_models.discard([("mine", 1, "value")])

    assert letters(read_models) == [(1, "size", HOUR), (2, "event", 0)]
    assert letters(read_models, discarded=True) == [(1, "size", HOUR), (1, "value", HOUR), (2, "event", 0)]
    assert letters(read_models, first=2, last=2) == [(2, "event", 0)]
    assert letters(read_models, limit=1) == [(1, "size", HOUR)]
    with read_models.read() as snapshot:
        assert snapshot.discarded() == {("mine", 1, "value")}
        assert snapshot.unreadable("mine") == 3


def test_an_event_without_an_hour_is_forgotten_alone(read_models: ReadModels) -> None:
    commit(read_models, unreadable=[(2, HOUR, "value"), (2, 0, "event"), (3, 0, "event")], to=3)

    read_models.forget_untimed("mine", 2)

    assert letters(read_models) == [(2, "value", HOUR), (3, "event", 0)]


def test_marks_outlive_another_definition_but_not_another_log(open_views: OpenViews) -> None:
    if (first := open_views()).place is None:
        return
    first.discard([("mine", 1, "value")])

    with open_views([declared(where="value > 0")]).read() as snapshot:
        assert snapshot.discarded() == {("mine", 1, "value")}
    with open_views([declared(where="value > 0")], log="another log").read() as snapshot:
        assert snapshot.discarded() == set()


def test_marks_beyond_the_head_of_a_restored_log_go(read_models: ReadModels) -> None:
    commit(read_models, to=7)
    read_models.discard([("mine", 3, "value"), ("mine", 4, "value")])

    read_models.restart_beyond(lambda: 3)

    with read_models.read() as snapshot:
        assert snapshot.discarded() == {("mine", 3, "value")}
