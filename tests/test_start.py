"""Importing the package and starting its program is quick: what is heavy is imported where it is used."""

from __future__ import annotations

import ast
import gc
import importlib
import inspect
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import analytics_es
from analytics_es import AnalyticsService
from analytics_es.cli import main
from analytics_es.process.cycles import SELDOM
from tests.children import ran

PACKAGE = Path(analytics_es.__file__).parent
HEAVY = {
    "adbc_driver_postgresql",
    "asyncio",
    "blinker",
    "cattrs",
    "concurrent.futures.process",
    "duckdb",
    "eventsourcing",
    "genai_prices",
    "importlib.metadata",
    "multiprocessing",
    "opentelemetry",
    "orjson",
    "psycopg",
    "pyarrow",
    "rich",
    "ssl",
    "tomllib",
}
# What a question to a store that is caught up has no use for, when what it prints goes to no terminal.
UNUSED = HEAVY - {"eventsourcing", "orjson", "rich"} | {"rich.console", "rich.progress"}


def imported(code: str) -> set[str]:
    """Run code in a process of its own, and return what it imported."""
    tell = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
    env = {
        name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE")
    }
    done = ran([sys.executable, "-c", tell + code], env=env)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def test_the_package_imports_nothing_until_a_name_is_used() -> None:
    ours = {name for name in imported("import analytics_es") if name.startswith("analytics_es")}

    assert ours == {"analytics_es"}


def test_the_service_imports_nothing_heavy_until_it_is_opened() -> None:
    modules = imported("from analytics_es import AnalyticsService, OperationResult, TimePeriod")

    assert modules & (HEAVY | {"click"}) == set()
    rooms = {name.split(".")[1] for name in modules if name.startswith("analytics_es.")}
    assert rooms == {"errors", "process", "service", "types"}


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_the_program_tells_of_itself_without_importing_what_does_the_work(option: str) -> None:
    modules = imported(
        f"import sys; sys.argv = ['analytics-es', {option!r}]\nfrom analytics_es.cli import main\nmain()"
    )

    assert modules & HEAVY == set()
    assert {name for name in modules if name.startswith("analytics_es.")} <= {
        "analytics_es.cli",
        "analytics_es.cli.commands",
        "analytics_es.cli.failures",
        "analytics_es.cli.hints",
        "analytics_es.cli.main",
        "analytics_es.errors",
    }


def test_the_help_of_no_command_imports_an_engine() -> None:
    modules = imported(
        "from analytics_es.cli.main import COMMANDS, main\n"
        "for command in COMMANDS:\n"
        "    main.main([command, '--help'], standalone_mode=False)\n"
        "assert len(COMMANDS) > 20"
    )

    assert modules & {"duckdb", "pyarrow", "psycopg", "genai_prices", "asyncio", "ssl", "multiprocessing"} == set()


@pytest.mark.parametrize("command", ["usage", "performance", "summary performance.calls", "projections status"])
def test_a_store_that_is_caught_up_is_asked_without_an_engine(command: str, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with AnalyticsService.open(path) as service:
        service.record_event("tool.call.completed", {"tool": "search", "duration_ms": 3}).unwrap()
        service.catch_up()
    arguments = ["analytics-es", *command.split(), "--db", str(path)]

    modules = imported(f"import sys; sys.argv = {arguments!r}\nfrom analytics_es.cli import main\nmain()")

    assert modules & UNUSED == set()


def test_agents_that_have_written_nothing_new_are_shown_without_an_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Path(__file__).parent / "ingest" / "sessions" / "cases" / "claude" / "stream"
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(case))
    arguments = ["analytics-es", "agents", "--agent", "claude-code", "--db", str(tmp_path / "a.db")]
    code = f"import sys; sys.argv = {arguments!r}\nfrom analytics_es.cli import main\nmain()"

    first, second = imported(code), imported(code)

    assert "pyarrow" in first
    assert second & {"duckdb", "pyarrow", "numpy"} == set()


def test_a_file_of_events_is_read_without_an_engine_or_what_is_known_of_emitters(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    event = '{"specversion": "1.0", "id": "1", "source": "a", "type": "app.seen", "time": "2026-11-01T10:00Z"}'
    path.write_text(f"{event}\n" * 3)

    code = "from analytics_es.ingest import Importer; from analytics_es.ingest.files import rows"
    modules = imported(f"{code}; assert len([*rows({str(path)!r})]) == 3")

    assert modules & {"duckdb", "pyarrow", "analytics_es.ingest.otel.conventions"} == set()


def test_a_command_seldom_looks_for_cycles_and_at_its_end_never() -> None:
    tell = "atexit.register(lambda: print(gc.get_threshold(), gc.get_freeze_count() > 1_000))"
    code = "import atexit, gc, sys; from analytics_es.cli import main; sys.argv[1:] = ['migrate', '--db', ':memory:']"

    done = ran([sys.executable, "-c", f"{code}; {tell}; main()"])

    assert done.stdout.splitlines()[-1] == f"{SELDOM} True"


def test_a_command_that_asks_an_engine_says_nothing_of_it_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with AnalyticsService.open(path) as service:
        service.record_event("tool.call.completed", {"tool": "search", "duration_ms": 3}).unwrap()
    explain = ["explain", "performance.calls", "--last", "24h", "--db", str(path)]

    done = ran([sys.executable, "-m", "analytics_es", *explain])

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("ends_with_it", [True, False])
def test_a_program_that_goes_on_after_a_command_looks_for_cycles_as_before(ends_with_it: bool) -> None:
    call = f"main(['migrate', '--db', ':memory:'], standalone_mode={ends_with_it})"
    tell = "atexit.register(lambda: print(gc.get_threshold() == before, gc.get_freeze_count() == 0))"
    code = f"import atexit, gc; from analytics_es.cli import main; before = gc.get_threshold(); {tell}; {call}"

    done = ran([sys.executable, "-c", code])

    assert done.stdout.splitlines()[-1] == f"{not ends_with_it} {not ends_with_it}"


def test_a_group_that_another_program_calls_leaves_how_it_looks_for_cycles(tmp_path: Path) -> None:
    before = gc.get_threshold(), gc.get_freeze_count()

    assert CliRunner().invoke(main, ["migrate", "--db", str(tmp_path / "a.db")]).exit_code == 0
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


@pytest.mark.parametrize("option", ["--version", "--help"])
@pytest.mark.parametrize("module", ["analytics_es", "analytics_es.cli"])
def test_the_package_is_its_program(module: str, option: str) -> None:
    done = ran([sys.executable, "-m", module, option])

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(("Usage: analytics-es ", f"analytics-es, version {analytics_es.__version__}\n"))


def test_the_package_lists_its_public_names_and_no_others() -> None:
    assert dir(analytics_es) == sorted([*analytics_es.__all__, "__version__"])
    assert [name for name in dir(analytics_es) if not hasattr(analytics_es, name)] == []


@pytest.mark.parametrize("room", ["cost", "errors", "ingest", "projection", "projections", "testing", "types"])
def test_a_public_module_is_there_without_being_imported_first(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(vars(analytics_es), room, raising=False)

    assert getattr(analytics_es, room) is importlib.import_module(f"analytics_es.{room}")


def test_a_name_that_there_is_not_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'analytics_es' has no attribute 'AnalyticService'"):
        _ = analytics_es.AnalyticService  # type: ignore[attr-defined]


def test_a_type_checker_sees_no_names_but_those_that_there_are() -> None:
    defining = [path for path in PACKAGE.rglob("*.py") if "\ndef __getattr__(" in path.read_text()]

    assert defining == []


@pytest.mark.parametrize("package", ["analytics_es", "analytics_es.ingest", "analytics_es.lifecycle"])
def test_what_is_imported_lazily_is_what_a_type_checker_sees(package: str) -> None:
    face = importlib.import_module(package)
    tree = ast.walk(ast.parse(inspect.getsource(face)))
    imported = {
        name.name: node.module
        for node in tree
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith(f"{package}.")
        for name in node.names
    }
    homes = {name: f"{package}.{home}" for home, names in face._HOMES.items() for name in names}

    assert sorted(homes) == face.__all__
    assert homes == imported
    assert [name for name in homes if not hasattr(face, name)] == []


@pytest.mark.parametrize("package", ["analytics_es.ingest", "analytics_es.lifecycle"])
def test_a_room_has_no_name_that_it_does_not_list(package: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        _ = importlib.import_module(package).nothing
