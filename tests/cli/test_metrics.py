from tests.cli.conftest import Cli


def test_metrics_are_listed_with_their_keys(cli: Cli) -> None:
    output = cli("metrics").stdout

    assert "  performance.duration             histogram  ms\n" in output
    assert "  keys: operation, subject\n" in output
