"""Large numbers on the screen: no table fails on them, none rounds them away."""

from pathlib import Path

from analytics_es.testing import provider_call
from tests.cli.conftest import Cli
from tests.stores import opened, record


def test_tables_show_large_sums(cli: Cli, tmp_path: Path) -> None:
    with opened(tmp_path / "a.db") as service:
        record(service, *(provider_call(cost=10**15, input_tokens=10**12, duration_ms=10**12) for _ in range(40)))
    period = ("--from", "2026-03-02", "--to", "2026-03-03", "--db", tmp_path / "a.db")

    assert "40,000,000,000,000,000.00 USD" in cli("cost", *period).stdout
    for command in (("usage",), ("performance",), ("report",), ("summary", "cost.reported_cost"), ("unit-costs",)):
        assert cli(*command, *period).exit_code == 0
