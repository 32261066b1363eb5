"""What every test may use: a store, the small day, one server of each kind for all, one profile of Hypothesis."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from syrupy.assertion import SnapshotAssertion

from analytics_es import AnalyticsService
from analytics_es.ingest.vault import KEY_VARIABLE
from analytics_es.service import opening as service_opening
from tests import day
from tests.nats_servers import NatsServer, nats_server
from tests.servers import Server, server
from tests.snapshots import BriefSnapshots
from tests.stores import opened, record

pytest_plugins = ["tests.double_fold", "tests.limits"]

Events = Sequence[dict[str, Any]]

# To make an example small that fails takes up to five minutes, and twice as long where each fold is done twice: there
# it is printed as it is, and kept. Who runs the test by itself begins with it, and gets the small one.
BRIEFLY = (Phase.explicit, Phase.reuse, Phase.generate, Phase.target)

# No limits of time: a machine may be busy. What a fixture of a function gives may be used by all its examples.
settings.register_profile(
    "analytics_es",
    deadline=None,
    print_blob=True,
    phases=BRIEFLY if os.environ.get("DOUBLE_FOLD") else tuple(Phase),
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)
settings.load_profile("analytics_es")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "store(*databases, events, **options): on which databases, with what, and how `analytics` is opened"
    )


def pytest_xdist_auto_num_workers() -> int:
    """Say how many processes share the tests: one more than there are cores, since tests wait for others at times."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 8) + 1


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    databases = next((marker.args for marker in metafunc.definition.iter_markers("store") if marker.args), None)
    if databases and "url" in metafunc.fixturenames:
        metafunc.parametrize("url", databases, indirect=True)


@pytest.fixture
def vault_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a key for pseudonyms, which a store on a server has to be given."""
    monkeypatch.setenv(KEY_VARIABLE, "ab" * 32)


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where a store may be that is not there yet: in memory, where `store` says no other."""
    database = getattr(request, "param", "memory")
    if database == "postgres":
        request.getfixturevalue("vault_key")
        return str(request.getfixturevalue("postgres").database())
    return ":memory:" if database == "memory" else f"sqlite:///{tmp_path}/analytics.db"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a store that is not there yet."""
    return tmp_path / "analytics.db"


@pytest.fixture(scope="module")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Events, dict[str, Any]], Path]:
    """Return where a store is that holds events, caught up and closed: it is made once for the tests of a module."""
    made: dict[Any, Path] = {}

    def folder(events: Events, options: dict[str, Any]) -> Path:
        key = (id(events), *((name, id(option)) for name, option in sorted(options.items())))
        if key not in made:
            made[key] = tmp_path_factory.mktemp("filled")
            with opened(made[key] / "analytics.db", **options) as store:
                record(store, *events)
        return made[key]

    return folder


@pytest.fixture
def analytics(request: pytest.FixtureRequest, url: str, tmp_path: Path) -> Iterator[AnalyticsService]:
    """Return a store that nothing follows, opened as `store` says: what is nearest to the test wins."""
    markers = reversed(list(request.node.iter_markers("store")))
    options: dict[str, Any] = {name: option for marker in markers for name, option in marker.kwargs.items()}
    events: Events = options.pop("events", ())
    on_disk = url.startswith("sqlite:///")
    if events and on_disk:
        shutil.copytree(request.getfixturevalue("_filled")(events, options), tmp_path, dirs_exist_ok=True)
    with opened(url, **options) as store:
        if events and not on_disk:
            record(store, *events)
        yield store


@pytest.fixture(scope="module")
def monday() -> Iterator[AnalyticsService]:
    """Return the small day, with its names: nothing is added to it."""
    with day.recorded(privacy="full") as store:
        yield store


@pytest.fixture(scope="module")
def full_privacy() -> Iterator[None]:
    """Keep what is recorded as it is, and no event about it; who uses it says why."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service_opening, "PRIVACY", "full")
        yield


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(BriefSnapshots)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Return a server that is shared: take a schema of your own."""
    with server() as running:
        yield running


@pytest.fixture(scope="session")
def nats() -> Iterator[NatsServer]:
    """Return a server with JetStream that is shared: take a stream of your own."""
    with nats_server() as running:
        yield running


@pytest.fixture
def opening(postgres: Server) -> Iterator[Callable[..., AnalyticsService]]:
    """Open the store of a schema of its own, on a server, any number of times."""
    schema = postgres.schema()
    with ExitStack() as stack:

        def again(**options: Any) -> AnalyticsService:
            url = options.pop("url", postgres.url)
            return stack.enter_context(AnalyticsService.open(url, schema=options.pop("schema", schema), **options))

        yield again
