"""Every measurement of tests/benchmarks runs to its end, and each figure says what it is held against."""

import statistics
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from tests.benchmarks import ingesting, registry
from tests.benchmarks.figures import Effort, Figure
from tests.benchmarks.registry import figures_of, measurements, measurements_of
from tests.benchmarks.store import Store
from tests.nats_servers import NatsServer
from tests.servers import GIVEN, Server

EVENTS = 200
TINY = Effort(rounds=2, rebuilds=1, starts=1, runs=2, seconds=0.2, singles=30, writers=2, batches=2)
SERVERS = {"nats": "nats", "postgres": "postgres"}  # which of the suite's servers a module wants

FRAME = ("figures", "floors", "page", "registry", "report", "store", "stock_postgres", "workload", "yardsticks")


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


@pytest.mark.usefixtures("_shared")
@pytest.mark.parametrize("name", measurements())
def test_every_measurement_ends_and_its_figures_have_yardsticks(name: str, store: Store) -> None:
    figures = list(figures_of(name, store, TINY))

    assert figures
    assert len({figure.name for figure in figures}) == len(figures)
    for figure in figures:
        assert figure.name.startswith(f"{name}: ")
        assert figure.unit
        assert figure.yardstick
        assert min(figure.value, figure.yardstick_value, *figure.ratios) > 0
        assert figure.ratio == statistics.median(figure.ratios)
        assert figure.met in ((None,) if figure.target is None else (True, False))


def test_every_module_measures_or_is_part_of_the_frame() -> None:
    names = {module.__name__.rpartition(".")[2]: measurements_of(module) for module in registry.modules()}

    assert sorted(name for name, found in names.items() if not found) == sorted(FRAME)


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
