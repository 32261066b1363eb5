"""prices: import publishes a file or nothing, list and show say what is known, since when and from where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analytics_es.cost.prices import genai
from analytics_es.errors import GUIDE
from tests.cli.conftest import LAST, WEEK, Cli
from tests.stores import opened

EXAMPLE = Path(__file__).parent.parent.parent / "docs" / "examples" / "prices" / "acme.toml"
DB = ("--db", "analytics.db")


@pytest.fixture
def published(cli: Cli, own: str) -> str:
    assert cli("prices", "import", EXAMPLE, "--note", "contract of 2026", *DB).exit_code == 0
    return own


def test_a_dry_run_shows_what_would_be_published(cli: Cli, own: str) -> None:
    result = cli("prices", "import", EXAMPLE, "--dry-run", *DB)

    assert result.exit_code == 0
    assert "4 prices would be published; nothing was done" in result.stdout
    assert json.loads(cli("prices", "list", "--json", *DB).stdout)["published"] == []


def test_a_file_is_published_once(cli: Cli, own: str) -> None:
    first, again = (cli("prices", "import", EXAMPLE, *DB).stdout for _ in range(2))

    assert first == f"published 4 prices, up to position {LAST + 4}\n"
    assert again == f"nothing is new: published last were 4 prices, up to position {LAST + 4}\n"


def test_prices_make_a_store_where_there_is_none(cli: Cli) -> None:
    told = json.loads(cli("prices", "import", EXAMPLE, "--json", "--db", "new.db").stdout)

    assert told == {"prices": 4, "receipt": {"position": 4, "duplicate": False, "differs": False, "waiting": False}}


def test_a_wrong_file_is_one_line_and_publishes_nothing(cli: Cli, own: str) -> None:
    Path("bad.toml").write_text(EXAMPLE.read_text().replace("multiplier = 0.8", "multiplier = -1"))

    result = cli("prices", "import", "bad.toml", *DB)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "error: bad.toml, price 1: multiplier must be between 0 and 1e+12, not -1. Nothing was published; "
        f"{GUIDE}/cost.md shows what a price looks like.\n"
    )
    assert json.loads(cli("prices", "list", "--json", *DB).stdout)["published"] == []


@pytest.mark.parametrize(("file", "told"), [("none.toml", "No such file or directory"), (".", "it is not a file")])
def test_a_file_that_cannot_be_read_is_one_line(cli: Cli, own: str, file: str, told: str) -> None:
    result = cli("prices", "import", file, *DB)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"error: {file} cannot be read: {told}.\n"


def test_a_new_store_keeps_the_zone_it_is_made_in(cli: Cli) -> None:
    cli("prices", "import", EXAMPLE, "--db", "new.db", "--tz", "Europe/Berlin")

    shown = cli(
        "prices", "show", "acme-large", "--provider", "acme", "--at", "2026-03-02T12:00", "--db", "new.db"
    ).stdout

    assert "at 2026-03-02 12:00:00 CET" in shown


def test_published_prices_are_listed_by_position(cli: Cli, published: str) -> None:
    lines = [line.split("  ") for line in cli("prices", "list", *DB).stdout.splitlines()]
    large = "input 2+, cache read 0.2, output 8, searches 10, requests 0.5 EUR, in a batch × 0.5"

    assert [[cell.strip() for cell in line if cell] for line in lines] == [
        ["position", "provider", "model", "from", "until", "price"],
        [str(LAST + 1), "anthropic", "*", "2026-01-01", "–", "0.8 × default"],
        [str(LAST + 2), "acme", "acme-large, acme-large-*", "2025-12-31 23:00:00", "–", large],
        [str(LAST + 3), "acme", "acme-small", "2026-01-01", "–", "input 0.1, output 0.4 EUR, 22:00 to 05:00 UTC"],
        [str(LAST + 4), "selfhosted", "*", "2020-01-01", "–", "free"],
        [],
        [f"4 prices published; for everything else genai-prices {genai.edition().version}"],
    ]


def test_a_list_is_of_a_time_and_a_provider(cli: Cli, published: str) -> None:
    def models(*options: str) -> list[str]:
        told = json.loads(cli("prices", "list", *options, "--json", *DB).stdout)
        return [each["model"] for each in told["published"]]

    assert models("--provider", "acme") == ["acme-large", "acme-small"]
    assert models("--at", "2025-01-01") == ["*"]
    assert models("--at", "2026-02-01T23:00") == ["*", "acme-large", "acme-small", "*"]
    assert models("--at", "2026-02-01T12:00") == ["*", "acme-large", "*"]


def test_a_list_of_a_tier_has_what_such_calls_cost(cli: Cli, published: str) -> None:
    def models(tier: str) -> list[str]:
        told = json.loads(cli("prices", "list", "--service-tier", tier, "--json", *DB).stdout)
        return [each["model"] for each in told["published"]]

    assert models("flex") == ["*", "*"]  # a multiple of the default price, and what is free
    assert models("batch") == models("default") == ["*", "acme-large", "acme-small", "*"]


def test_a_batch_in_another_tier_is_wrong_usage(cli: Cli, published: str) -> None:
    result = cli("prices", "show", "gpt-5", "--batch", "--service-tier", "flex", *DB)

    assert (result.exit_code, "--batch is a tier of its own" in result.stderr) == (2, True)


def test_a_price_of_a_model_of_nobody_in_particular_names_no_provider(cli: Cli, published: str) -> None:
    Path("own.toml").write_text('[[price]]\nmodel = "m"\neffective_from = 2026-01-01T00:00:00Z\nfree = true\n')
    cli("prices", "import", "own.toml", *DB)

    assert cli("prices", "show", "m", *DB).stdout.startswith("m, USD, at ")


def test_a_list_of_a_provider_has_all_that_is_known_of_it(cli: Cli, published: str) -> None:
    result = cli("prices", "list", "--provider", "anthropic", "--at", "2026-03-01", *DB)
    told = json.loads(cli("prices", "list", "--provider", "anthropic", "--json", *DB).stdout)

    assert "Default prices of anthropic, USD per million" in result.stdout
    assert "claude-sonnet-4-5" in {each["model"] for each in told["default"]}


def test_the_prices_of_a_model_are_shown_with_their_tiers_and_where_they_are_from(cli: Cli, published: str) -> None:
    result = cli("prices", "show", "acme-large-3", "--provider", "acme", "--at", "2026-03-02T12:00", *DB)

    assert [line.rstrip() for line in result.stdout.splitlines()] == [
        "acme-large-3 of acme, EUR, at 2026-03-02 12:00:00 UTC",
        "  kind               per       price  above 200,000 input",
        "  input_tokens       million     2                    4",
        "  cache_read_tokens  million     0.2                  0.2",
        "  output_tokens      million     8                    8",
        "  searches           thousand   10                   10",
        "  requests           thousand    0.5                  0.5",
        "",
        f"since 2025-12-31 23:00:00 · from what was published at position {LAST + 2}",
    ]


def test_a_default_price_and_a_part_of_it_say_so(cli: Cli, published: str) -> None:
    version = genai.edition().version
    before, after = (
        cli("prices", "show", "claude-sonnet-4-5", "--at", at, *DB).stdout.splitlines()[-1]
        for at in ("2025-12-31", "2026-01-01")
    )

    assert before.endswith(f"from genai-prices {version}")
    assert after == f"since 2026-01-01 · from what was published at position {LAST + 1}, of genai-prices {version}"


def test_batches_and_what_is_free(cli: Cli, published: str) -> None:
    batch = cli("prices", "show", "acme-large", "--provider", "acme", "--batch", *DB).stdout
    free = cli("prices", "show", "llama-3.3-70b", "--provider", "selfhosted", *DB).stdout

    assert "acme-large of acme in a batch, EUR" in batch
    assert "input_tokens       million     1" in batch
    assert "everything        free" in free


def test_what_no_event_tells_is_said(cli: Cli, published: str) -> None:
    shown = cli("prices", "show", "sonar-deep-research", "--provider", "perplexity", *DB).stdout

    assert "Charged on top, and told by no event: output_citation_mtok." in shown


def test_a_program_reads_exact_prices_of_one(cli: Cli, published: str) -> None:
    told = json.loads(cli("prices", "show", "acme-large", "--provider", "acme", "--json", *DB).stdout)

    assert told["prices"]["input_tokens"] == {"base": "0.000002", "tiers": [{"above": 200000, "price": "0.000004"}]}
    assert (told["currency"], told["origin"]) == ("EUR", {"version": None, "position": LAST + 2, "entry": None})


def test_an_unknown_model_is_one_line_with_close_names(cli: Cli, own: str) -> None:
    result = cli("prices", "show", "claude-sonet-4-5", *DB)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(
        "error: There is no price for 'claude-sonet-4-5'; close names are claude-sonnet-4-5"
    )
    assert result.stderr.count("\n") == 1


def test_times_without_a_zone_are_of_the_zone_asked_for(cli: Cli, published: str) -> None:
    def since(*options: str) -> str:
        return cli("prices", "show", "claude-sonnet-4-5", *options, *DB).stdout.splitlines()[-1]

    assert f"position {LAST + 1}" not in since("--at", "2026-01-01T00:30", "--tz", "Europe/Berlin")
    assert f"position {LAST + 1}" in since("--at", "2026-01-01T01:00", "--tz", "Europe/Berlin")


def test_without_the_package_the_list_says_so(cli: Cli, published: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(genai, "installed", lambda: False)

    assert "for everything else nothing: genai-prices is not installed" in cli("prices", "list", *DB).stdout
    assert cli("prices", "show", "x", *DB).stderr == (
        "error: This needs a package that is not installed (genai-prices): pip install 'analytics-es[prices]'.\n"
    )


@pytest.mark.parametrize("command", ["cost", "report"])
def test_without_the_package_an_unknown_cost_says_what_to_install(
    cli: Cli, own: str, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    line = "The default prices are not installed: pip install 'analytics-es[prices]'"
    assert line not in cli(command, *WEEK, *DB).stdout
    monkeypatch.setattr(genai, "installed", lambda: False)

    assert cli(command, *WEEK, *DB).stdout.count(line) == 1


def test_prices_that_cannot_be_read_are_named(cli: Cli, published: str) -> None:
    with opened("analytics.db") as service:
        service.store.recorder.announce("analytics.prices.published", {"entry": {"model": "x", "per_furlong": 1}})

    shown = cli("prices", "list", *DB).stdout

    assert f"cannot be read by this version, and left out: prices at position {LAST + 5}" in shown
