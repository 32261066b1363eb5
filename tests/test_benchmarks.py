"""Every measurement of tests/benchmarks runs to its end, and each figure says what it is held against."""

import json
import sqlite3
import statistics
from collections.abc import Iterable, Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from analytics_es import __version__
from tests.benchmarks import __main__ as program
from tests.benchmarks import floors, ingesting, large, lasting, page, registry, report
from tests.benchmarks.figures import Effort, Figure, Target
from tests.benchmarks.registry import figures_of, measurements, measurements_of
from tests.benchmarks.store import Store
from tests.nats_servers import NatsServer
from tests.servers import GIVEN, Server

EVENTS = 200
TINY = Effort(rounds=2, rebuilds=1, starts=1, runs=2, seconds=0.2, singles=30, writers=1, batches=2)
# What measures nothing, or not as the others do.
FRAME = (
    "constant figures floors large lasting page registry report stock_postgres store telemetry transcripts workload "
    "yardsticks"
)

# What was aimed at when speed was worked on: a figure that loses its target is no longer judged.
GOALS = {
    "start: start, analytics-es --help": Target("cpu", "≤", 80),
    "start: start, analytics-es --version": Target("cpu", "≤", 80),
    "start: start, analytics-es usage, caught up": Target("cpu", "≤", 350),
    "append: append, 1,000 a commit": Target("ratio", "≥", 0.38),
    "single: append, one a commit": Target("ratio", "≥", 0.6),
    "buffered: buffered call, back to back": Target("value", "≤", 6),
    "freshness: freshness, empty store": Target("value", "≤", 30),
    "freshness: freshness, full store": Target("value", "≤", 30),
    "fold: fold of 1 event": Target("cpu", "≤", 1),
    "postgres: PostgreSQL freshness, 100 events/s": Target("value", "≤", 60),
    "postgres: PostgreSQL record_events, 1,000 a commit": Target("ratio", "≥", 1.5),
    'postgres: PostgreSQL append, many writers, 100 a commit, durability="group"': Target("ratio", "≥", 1.1),
    "costing: cost of 90 days by model and day": Target("cpu", "≤", 45),
    "costing: cost of 7 of 90 days by user": Target("cpu", "≤", 90),
    "queries: cost by model, 7 days": Target("value", "≤", 8),
    "queries: cost by user, 7 days": Target("value", "≤", 30),
    "queries: totals and series of all tasks, 7 days": Target("cpu", "≤", 5),
    "queries: usage of all tasks, 7 days": Target("cpu", "≤", 45),
    "queries: performance by the hour, 7 days": Target("cpu", "≤", 35),
    "large: usage of everyone, 1 day": Target("ratio", "≤", 1.2),
    "large: usage of everyone, 1 day of 10 weeks": Target("ratio", "≤", 1.2),
    "large: explain one hour's cell": Target("value", "≤", 100),
    "large: rebuild by two workers": Target("ratio", "≥", 85),
    "derived: a day by user and task, after one more event": Target("cpu", "≤", 15),
    "derived: a day of another zone's hours, after one more event": Target("cpu", "≤", 15),
    "budgets: a look at budgets of 12 periods, of which one is open": Target("cpu", "≤", 10),
    "audit: as of, the whole week": Target("cpu", "≤", 2_000),
    "audit: as of, near the head": Target("cpu", "≤", 300),
    "retain: verify, seal and delete": Target("value", "≥", 18_000),
    "export: export, Parquet": Target("ratio", "≥", 0.23),
    "archive: rebuild from Parquet": Target("ratio", "≥", 1.3),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("benchmarks"), EVENTS, TINY.calls_per_task)


@pytest.fixture
def _shared(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lend the suite's servers to the measurements that want one."""
    name = request.node.callspec.params["name"]
    if name.startswith("nats"):
        running: NatsServer = request.getfixturevalue("nats")
        monkeypatch.setattr(ingesting, "nats_server", lambda: nullcontext(running))
    if name.startswith("postgres"):
        server: Server = request.getfixturevalue("postgres")
        monkeypatch.setenv(GIVEN, server.url)


def assert_complete(figures: Iterable[Figure], name: str) -> None:
    """Assert that figures say all that they have to, and that the page finds those that it tells of first."""
    names = [figure.name for figure in figures]
    assert names
    assert len(set(names)) == len(names)
    for figure in figures:
        assert figure.name.startswith(f"{name}: ")
        assert figure.unit
        assert figure.yardstick
        assert min(figure.value, figure.yardstick_value, *figure.ratios) > 0
        assert figure.ratio == statistics.median(figure.ratios)
        assert figure.met in ((None,) if figure.target is None else (True, False))
    goals = {what: goal for what, goal in GOALS.items() if what.startswith(f"{name}: ")}
    targets = [(figure.name.partition(" | ")[0], figure.target) for figure in figures]
    assert [goal for goal in goals.items() if goal not in targets] == []
    assert {asked for asked in page.HEADLINE.values() if asked.startswith(f"{name}: ")} <= set(names)


@pytest.mark.usefixtures("_shared")
@pytest.mark.parametrize("name", measurements())
def test_every_measurement_ends_and_its_figures_have_yardsticks(name: str, store: Store) -> None:
    assert_complete(list(figures_of(name, store, TINY)), name)


def test_a_short_log_and_a_long_one_are_measured_side_by_side(tmp_path: Path) -> None:
    assert_complete(list(large.large((150, 300), TINY, tmp_path)), large.NAME)


def test_every_module_measures_or_is_part_of_the_frame() -> None:
    names = {module.__name__.rpartition(".")[2]: measurements_of(module) for module in registry.modules()}

    assert sorted(name for name, found in names.items() if not found) == FRAME.split()


def test_a_measurement_that_records_into_the_store_of_all_is_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def greedy(store: Store, effort: Effort) -> Iterator[Figure]:
        with store.open() as analytics:
            analytics.record_event("custom.recorded", {}).unwrap()
        yield from ()

    store.fill()
    monkeypatch.setattr(registry, "measurements", lambda: {"greedy": greedy})

    with pytest.raises(RuntimeError, match="greedy has recorded into a store that is not its own"):
        list(figures_of("greedy", store, TINY))


# ── stores that last ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_store_that_lasts_is_made_once(tmp_path: Path) -> None:
    made = lasting.lasting(tmp_path / "s", 100, 20.8)
    before = made.path.stat()

    again = lasting.lasting(tmp_path / "s", 100, 20.8)

    assert (again.events(), again.path.stat().st_mtime_ns) == (made.events(), before.st_mtime_ns)


def test_whoever_interrupts_the_filling_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = lasting.lasting(tmp_path / "whole", 100, 20.8).events()
    monkeypatch.setattr(lasting, "CHUNK", 30)
    stopping = iter([None, None, KeyboardInterrupt])

    def stop(folder: Path, note: object, write: object = lasting._write) -> None:
        if error := next(stopping, None):
            raise error
        write(folder, note)  # type: ignore[operator]

    monkeypatch.setattr(lasting, "_write", stop)
    with pytest.raises(KeyboardInterrupt):  # ninety were recorded, sixty noted
        lasting.lasting(tmp_path / "s", 100, 20.8)
    half = Store(tmp_path / "s", 100, 20.8).events()

    assert lasting.lasting(tmp_path / "s", 100, 20.8).events() == whole > half > 60


@pytest.mark.parametrize("lost", ["events", "workload", "note"])
def test_a_store_that_is_not_what_was_noted_is_made_anew(tmp_path: Path, lost: str) -> None:
    made = lasting.lasting(tmp_path / "s", 100, 20.8)
    note = tmp_path / "s" / lasting.NOTE
    told = json.loads(note.read_text())
    if lost == "events":
        note.write_text(json.dumps({**told, "events": told["events"] + 1}))
    elif lost == "workload":
        note.write_text(json.dumps({**told, "recipe": "another"}))
    else:
        note.unlink()

    again = lasting.lasting(tmp_path / "s", 100, 20.8)

    assert (again.events(), json.loads(note.read_text())) == (made.events(), told)


def test_a_store_whose_read_models_do_not_stand_on_its_log_is_not_measured(tmp_path: Path) -> None:
    made = lasting.lasting(tmp_path / "s", 100, 20.8)
    made.catch_up()
    large.check(made)
    with closing(sqlite3.connect(made.path, isolation_level=None)) as log:
        log.execute("DELETE FROM stored_events WHERE rowid = 5")

    with pytest.raises(RuntimeError, match="the store in s is not whole; remove it"):
        large.check(made)


# ── the program ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what a run leaves behind in a folder of the test."""
    monkeypatch.setattr(report, "LAST", tmp_path / "last.json")
    monkeypatch.setattr(page, "PAGE", tmp_path / "benchmarks.md")
    monkeypatch.setattr(floors, "PATH", tmp_path / "floors.toml")
    monkeypatch.setattr(program, "QUICK", TINY)


def run(tmp_path: Path, *arguments: str) -> int:
    return program.main(["--json", str(tmp_path / "run.json"), *arguments])


@pytest.mark.usefixtures("_elsewhere")
def test_a_run_is_written_with_its_machine_and_nothing_that_tells_which(tmp_path: Path) -> None:
    assert run(tmp_path, "--events", "60", "--quick", "--only", "single") == 0

    (told,) = report.load(tmp_path / "run.json").values()
    assert told["machine"]["version"] == __version__
    assert {"commit", "date", "python", "sqlite", "duckdb", "cores", "load_average_after"} <= set(told["machine"])
    assert str(Path.home()) not in (tmp_path / "run.json").read_text()
    (figure,) = told["figures"].values()
    assert figure["ratios"][0] <= figure["ratio"] <= figure["ratios"][1]


@pytest.mark.usefixtures("_elsewhere")
def test_a_whole_run_that_is_kept_is_the_last_one_and_its_floors_are_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = Figure(
        what="fly",
        events=1,
        value=1,
        unit="ms",
        yardstick="bird",
        yardstick_value=2,
        ratios=[0.5],
        measurement="single",
    )
    monkeypatch.setattr(program, "measurements", lambda: {"single": None})
    monkeypatch.setattr(program, "figures_of", lambda *_: [figure])
    page.PAGE.write_text("<!-- figures: single -->\n<!-- end -->")

    assert run(tmp_path, "--events", page.SIZE, "--keep", "--write-floors") == 0
    assert "| fly | 1.00 ms | bird: 2.00 ms | 0.50 × |" in page.PAGE.read_text()
    assert run(tmp_path, "--check") == 0

    floors.PATH.write_text(f'[{page.SIZE}]\n"{figure.name}" = 0.3\n')
    capsys.readouterr()
    assert run(tmp_path, "--check") == 1
    assert capsys.readouterr().out.splitlines()[-1] == f"{figure.name}: 0.5 × is a quarter worse than its floor, 0.3 ×"


@pytest.mark.usefixtures("_elsewhere")
def test_a_run_of_which_something_failed_is_not_kept_and_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> list[Figure]:
        raise RuntimeError("no wings")

    monkeypatch.setattr(program, "figures_of", broken)
    monkeypatch.setattr(program, "measurements", lambda: {"fly": None})

    assert run(tmp_path, "--events", "10", "--keep", "--write-floors") == 1
    assert "fly failed" in (told := capsys.readouterr().err)
    assert "no wings" in told
    assert not report.LAST.exists()
    assert not floors.PATH.exists()


@pytest.mark.parametrize(
    "arguments", [("--keep", "--only", "single"), ("--write-floors", "--quick"), ("--large", "--events", "10")]
)
def test_what_makes_no_sense_together_is_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit):
        run(tmp_path, *arguments)


def test_the_list_says_what_each_measurement_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["--list"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=1)[0] for line in lines] == list(measurements())
    assert all(len(line.split()) > 3 for line in lines)


# ── the page ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_says_what_the_last_run_measured() -> None:
    text = page.PAGE.read_text()

    assert page.filled(text, report.load()) == text  # write it anew: python -m tests.benchmarks --docs


def test_the_page_tells_of_every_measurement() -> None:
    told = page.marks(page.PAGE.read_text())

    assert sorted(told) == sorted(["run", "large run", "headline", large.NAME, *measurements()])
