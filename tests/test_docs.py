"""What README and docs show is run as shown."""

import json
import os
import re
import shlex
import sys
import tomllib
from collections.abc import Iterable
from contextlib import chdir
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.cli import main
from analytics_es.errors import AnalyticsError
from analytics_es.events.outcomes import BEGUN, WORDS
from analytics_es.presentation.pages import KINDS
from analytics_es.testing import NOON, budget_allocated, price, provider_call, tool_call
from analytics_es.web import Limits, analytics_app
from analytics_es.web.handlers import Handlers
from analytics_es.web.receiver import Receiver
from analytics_es.web.routes import routes
from tests import day, picture
from tests.children import ran
from tests.nats_servers import NatsServer
from tests.servers import Server
from tests.stores import found_in, opened, record, set_clock, sql

ROOT = Path(__file__).parent.parent
SHELL = re.compile(r"^analytics-es .*$", re.MULTILINE)


PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
NAMED = re.compile(r"`((?:tests|docs|analytics_es|projections)/[\w./-]+)`")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / name).read_text(), re.MULTILINE | re.DOTALL)


def run_python(code: str, folder: Path) -> str:
    done = ran([sys.executable, "-W", "error", "-c", code], cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_commands(commands: Iterable[str], folder: Path) -> str:
    """Run commands one after the other in this process, and return what the last one says."""
    told = ""
    with chdir(folder):
        for command in commands:
            words, as_a_pipe = shlex.split(command)[1:], {"COLUMNS": None}  # which xdist sets
            done = CliRunner(env=as_a_pipe).invoke(main, words, prog_name="analytics-es")
            assert done.exit_code == 0, f"{command}: {done.output}{done.exception!r}"
            told = done.stdout
    return told


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_is_there(page: Path) -> None:
    assert [name for name in NAMED.findall(page.read_text()) if not (ROOT / name).exists()] == []


def test_the_lines_of_the_readme_print_what_it_says_however_often_they_run(tmp_path: Path) -> None:
    (code,), (shown,) = blocks("README.md", "python"), blocks("README.md", "text")

    assert [run_python(code, tmp_path), run_python(code, tmp_path)] == [shown, shown]
    assert "cost" not in code.partition("wait_until")[0]  # of the call: the price is found


def test_the_commands_of_the_readme_run_after_its_lines(tmp_path: Path) -> None:
    (code,) = blocks("README.md", "python")
    run_python(code, tmp_path)
    commands = SHELL.findall((ROOT / "README.md").read_text())

    assert "1,200" in run_commands(commands, tmp_path)
    assert len(commands) == 3


def test_the_page_of_public_names_runs(tmp_path: Path) -> None:
    assert run_python("".join(blocks("docs/api.md", "python")), tmp_path) == "[]\n"


def test_the_picture_in_the_readme_is_the_report_of_today() -> None:
    assert "](docs/report.svg)" in (ROOT / "README.md").read_text()
    assert picture.PICTURE.read_text() == picture.draw()  # draw it anew: make picture


def test_the_page_of_periods_runs_and_prints_what_it_says(tmp_path: Path) -> None:
    (code,), (shown,) = blocks("docs/periods.md", "python"), blocks("docs/periods.md", "text")

    assert run_python(code, tmp_path) == shown
    commands = SHELL.findall((ROOT / "docs/periods.md").read_text())
    run_commands([f"{command} --db periods.db" for command in commands], tmp_path)


def test_the_projection_of_the_guide_runs_and_prints_what_the_guide_says(tmp_path: Path) -> None:
    declaration, use, *_ = blocks("docs/projections.md", "python")
    shown, _ = blocks("docs/projections.md", "text")

    assert run_python(declaration + use, tmp_path) == shown


def test_a_wrong_declaration_fails_as_the_guide_says() -> None:
    declaration, *_ = blocks("docs/projections.md", "python")
    _, shown = blocks("docs/projections.md", "text")

    with pytest.raises(AnalyticsError) as caught:
        exec(  # noqa: S102  # the guide itself, which is ours
            declaration.replace("attributes.lines", "linse"), {"__name__": "guide"}
        )

    assert str(caught.value) == shown.strip()


def test_the_tests_of_the_guide_pass_in_a_project_that_has_nothing_else(tmp_path: Path) -> None:
    declaration, _, conftest, tests = blocks("docs/projections.md", "python")
    for name, text in {"reviews": declaration, "conftest": conftest, "test_reviews": tests}.items():
        (tmp_path / f"{name}.py").write_text(text)

    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", str(tmp_path)]
    by_itself = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}  # no worker of ours
    for options in (["--snapshot-update"], []):
        done = ran([*command, *options], cwd=tmp_path, env=by_itself)
        assert (done.returncode, "4 passed" in done.stdout) == (0, True), done.stdout + done.stderr

    (snapshot,) = (tmp_path / "__snapshots__").iterdir()
    assert max(map(len, snapshot.read_text().splitlines())) < 260


def test_the_runbook_of_rebuilding_runs(tmp_path: Path) -> None:
    with opened(tmp_path / "analytics.db", privacy="full") as analytics:  # the page names positions of the day
        record(analytics, *day.events())
    (tmp_path / "archive").mkdir()
    # On a cluster: tests/read_models/test_dask.py.
    commands = [each for each in SHELL.findall((ROOT / "docs/rebuild.md").read_text()) if "--scheduler" not in each]
    (code,) = blocks("docs/rebuild.md", "python")

    run_commands(commands, tmp_path)

    assert len(commands) > 12
    assert run_python(code, tmp_path) == "True\n8\n9\ntool.call.completed\n"


def test_retention_runs_and_prints_as_its_page_shows(tmp_path: Path) -> None:
    (code,), (shown,) = blocks("docs/retention.md", "python"), blocks("docs/retention.md", "text")
    (settings,) = blocks("docs/retention.md", "toml")
    (tmp_path / "analytics.toml").write_text(settings)
    commands = SHELL.findall((ROOT / "docs/retention.md").read_text())
    with AnalyticsService.open(tmp_path / "analytics.db", follow=False) as analytics:
        analytics.record_events([provider_call(), tool_call(occurred_at=NOON + timedelta(days=1))]).unwrap()

    run_commands(commands, tmp_path)

    assert len(commands) == 7
    assert run_python(code, tmp_path) == shown


def test_the_sql_of_views_runs_and_says_what_the_answers_say(tmp_path: Path, postgres: Server) -> None:
    (code,), queries = blocks("docs/sql.md", "python"), blocks("docs/sql.md", "sql")
    run_python(code, tmp_path)
    listed = run_commands(SHELL.findall((ROOT / "docs/sql.md").read_text()), tmp_path)
    assert {"v_cost_daily", "v_usage_hourly_by_user"} <= {view["name"] for view in json.loads(listed)}
    costs, users, projections = (sql(tmp_path / "dashboard.views.db", query) for query in queries)

    assert costs == [("2026-03-02", "claude-sonnet-4-5", "USD", 0.003, 0)]
    assert users == [("2026-03-02T12:00:00Z", "ada", 1, 0), ("2026-03-02T12:00:00Z", "bob", 2, 0)]
    assert [(name, *rest) for name, position, *rest in projections if position] == [
        (name, 0, 0, "UTC") for name in ("budgets", "cost", "performance", "usage")
    ]
    schema = postgres.schema()
    with opened(postgres.url, schema=schema, privacy="full") as analytics:
        record(analytics, provider_call(cost="0.0021"), provider_call(user_id="bob", cost="0.0009"))
        with psycopg.connect(postgres.url, options=f"-c search_path={schema}") as server:
            (row,), *_ = (server.execute(query.encode()).fetchall() for query in queries)
        assert (str(row[0]), row[3]) == ("2026-03-02", Decimal("0.0030"))


def test_prices_are_what_their_page_shows(tmp_path: Path) -> None:
    (code,) = (block for block in blocks("docs/cost.md", "python") if "priced.db" in block)
    (shown,) = (block for block in blocks("docs/cost.md", "text") if "0.003012" in block)
    commands = [each for each in SHELL.findall((ROOT / "docs/cost.md").read_text()) if " prices " in each]
    (tmp_path / "prices.toml").write_text((ROOT / "docs/examples/prices/acme.toml").read_text())
    AnalyticsService.open(tmp_path / "analytics.db", follow=False).close()

    run_commands(commands, tmp_path)

    assert len(commands) == 9
    assert run_python(code, tmp_path) == shown


def test_corrections_that_come_in_are_what_their_page_shows(tmp_path: Path) -> None:
    (code,) = (block for block in blocks("docs/cost.md", "python") if "invoices.db" in block)
    (shown,) = (block for block in blocks("docs/cost.md", "text") if "not_correctable" in block)

    assert run_python(code, tmp_path) == shown


def test_the_exports_of_another_store_come_in_as_the_page_of_mappings_shows(tmp_path: Path) -> None:
    commands = [each for each in SHELL.findall((ROOT / "docs/mapping.md").read_text()) if "other-store" in each]
    with AnalyticsService.open(tmp_path / "other.db", follow=False) as other:
        other.record_event(**tool_call()).unwrap()
        other.publish_prices([price()]).unwrap()
        other.export_data("json", TimePeriod.last(days=4000), to=tmp_path / "other-store.jsonl").unwrap()

    shown = run_commands([f"{command} --strict" for command in commands], tmp_path)

    assert len(commands) == 2
    assert "of these, 1 price of another store, published here now" in shown


def test_costs_are_what_their_page_shows(tmp_path: Path) -> None:
    code = "".join(block for block in blocks("docs/cost.md", "python") if "costs.db" in block or "cheaper" in block)
    shown = "".join(block for block in blocks("docs/cost.md", "text") if "0.031295" in block)
    commands = [each for each in SHELL.findall((ROOT / "docs/cost.md").read_text()) if "costs.db" in each]
    (tmp_path / "prices.toml").write_text((ROOT / "docs/examples/prices/acme.toml").read_text())

    assert run_python(code, tmp_path) == shown
    run_commands(commands, tmp_path)
    assert len(commands) == 5


def test_cost_is_told_apart_as_the_page_of_dimensions_shows(tmp_path: Path) -> None:
    (code,), (shown,) = blocks("docs/dimensions.md", "python"), blocks("docs/dimensions.md", "text")
    (settings,) = blocks("docs/dimensions.md", "toml")
    (tmp_path / "analytics.toml").write_text(settings)
    commands = SHELL.findall((ROOT / "docs/dimensions.md").read_text())

    assert run_python(code, tmp_path) == shown
    run_commands([f"{command} --db platform.db" for command in commands], tmp_path)
    assert len(commands) == 7


def test_corrections_are_what_their_page_shows(tmp_path: Path) -> None:
    (code,) = (block for block in blocks("docs/cost.md", "python") if "correct_cost" in block)
    (shown,) = (block for block in blocks("docs/cost.md", "text") if "cost.corrected" in block)
    commands = [each for each in SHELL.findall((ROOT / "docs/cost.md").read_text()) if "corrected.db" in each]

    assert run_python(code, tmp_path) == shown
    told = run_commands(commands, tmp_path)
    assert len(commands) == 3
    assert told.endswith("was 0.0061 → is 0.0058 USD (-0.0003)\ncorrection 2 of this call, at position 4\n")


def test_budgets_are_what_their_page_shows(tmp_path: Path) -> None:
    (code,), (shown,) = blocks("docs/budgets.md", "python"), blocks("docs/budgets.md", "text")
    commands = SHELL.findall((ROOT / "docs/budgets.md").read_text())

    assert run_python(code, tmp_path) == shown
    run_commands(commands, tmp_path)

    assert len(commands) == 3


def test_postgres_is_used_as_the_guide_shows(tmp_path: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_ES_VAULT_KEY", "ab" * 32)
    (code,) = blocks("docs/reliability.md", "python")

    shown = run_python(code.replace("postgresql://user@localhost/platform", postgres.database()), tmp_path)

    assert shown == "1\n"


def containing(text: str, language: str) -> str:
    """Return the one block of the pages about ways in that contains a text."""
    pages = ("docs/bus.md", "docs/opentelemetry.md", "docs/buffer.md")
    (found,) = (block for page in pages for block in blocks(page, language) if text in block)
    return found


def test_a_bus_within_the_process_is_used_as_the_guide_shows(tmp_path: Path) -> None:
    shown = run_python(containing("InProcessBus", "python"), tmp_path)

    assert shown == containing("SubscriptionStats", "text")


def test_nats_is_used_as_the_guide_shows(tmp_path: Path, nats: NatsServer) -> None:
    code, stream = containing("NatsBus", "python"), nats.stream()
    for shown, ours in (("nats://localhost:4222", nats.url), ("EVENTS", stream.name), ("platform", stream.name)):
        code = code.replace(f'"{shown}"', f'"{ours}"')

    assert run_python(code, tmp_path) == "None\n"


def test_spans_are_recorded_as_the_guide_shows(tmp_path: Path) -> None:
    (command,) = [each for each in SHELL.findall((ROOT / "docs/opentelemetry.md").read_text()) if " import " in each]
    recorded = ROOT / "tests" / "data" / "otlp" / "genai-agent.jsonl"
    (tmp_path / "traces.jsonl").write_text(recorded.read_text())

    shown = run_python(containing("TracerProvider", "python"), tmp_path)
    run_commands([command], tmp_path)

    stats = (
        "ExportStats(spans=1, ignored=0, pending=0, recorded=1, duplicates=0, differing=0, refused=0, failed=0, "
        "ignored_by_scope={}, contradictions={})"
    )
    assert shown == f"{stats}\nclaude-sonnet-4-5\n"


HTTP = ROOT / "docs" / "http.md"
SEND = """
from starlette.testclient import TestClient
with TestClient({app}) as client:
    event = {{"event_type": "job.completed", "data": {{"job_id": "j"}}}}
    print(client.post("/analytics/v1/events", json=event).json()["recorded"])
    print(client.get("/own").status_code)
"""


def test_the_door_over_http_is_mounted_in_fastapi_as_the_guide_shows(tmp_path: Path) -> None:
    code, _ = blocks("docs/http.md", "python")

    assert run_python(code + SEND.format(app="app"), tmp_path) == "1\n404\n"


def test_the_door_over_http_is_mounted_beside_django_as_the_guide_shows(tmp_path: Path) -> None:
    _, code = blocks("docs/http.md", "python")
    settings = "from django.conf import settings\nsettings.configure(ROOT_URLCONF=(), ALLOWED_HOSTS=['*'])\n"

    assert run_python(settings + code + SEND.format(app="application"), tmp_path) == "1\n404\n"


def test_what_curl_sends_in_the_guide_is_answered_as_it_shows(tmp_path: Path) -> None:
    with opened(tmp_path / "analytics.db") as analytics:
        client = TestClient(analytics_app(analytics))
        (commands,) = [block for block in blocks("docs/http.md", "sh") if "curl" in block]
        words = [shlex.split(command) for command in re.split(r"^curl ", commands, flags=re.MULTILINE)[1:]]
        answers = [
            client.post(urlsplit(url).path, content=body, headers=dict([header.split(": ")]))
            for url, _, header, _, body in words
        ]

    assert [answer.status_code for answer in answers] == [200, 204]
    assert answers[0].text + "\n" == blocks("docs/http.md", "json")[0]


def test_what_agents_are_told_in_the_guide_leads_to_paths_that_are_there() -> None:
    (codex,) = blocks("docs/http.md", "toml")
    exporter = tomllib.loads(codex)["otel"]["exporter"]["otlp-http"]
    paths = {path for route in routes(Handlers(Receiver(None, Limits()), Limits())) for path in [route.path]}

    assert urlsplit(exporter["endpoint"]).path in paths
    assert set(re.findall(r"^\| (`/.*?) \|", HTTP.read_text(), re.MULTILINE)) == {
        *(f"`{path}`" for path in paths - {"/v1/metrics", "/v1development/profiles"}),
        "`/v1/metrics`, `/v1development/profiles`",
    }


def test_the_limits_of_the_guide_are_those_that_are_kept() -> None:
    limits = dict(re.findall(r"^\| `(\w+)`: .*? \| ([\d,]+)", HTTP.read_text(), re.MULTILINE))
    mib = 2**20
    kept = Limits()

    assert {name: int(amount.replace(",", "")) for name, amount in limits.items()} == {
        "body": kept.body // mib,
        "records": kept.records,
        "seconds": int(kept.seconds),
        "requests": kept.requests,
        "held": kept.held // mib,
        "workers": kept.workers,
        "pages": kept.pages,
        "waiting": kept.waiting,
        "answers": kept.answers // mib,
        "taken": int(kept.taken),
    }


def test_every_page_is_told_of_and_what_curl_asks_for_is_answered(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "page.md").read_text()
    make, serve = SHELL.findall(text)
    run_commands([make], tmp_path)
    asked = re.findall(r"^curl 'http://127.0.0.1:4318(.*?)'", text, re.MULTILINE)
    with opened(tmp_path / "demo.db") as analytics:
        client = TestClient(analytics_app(analytics))
        answers = [client.get(address) for address in asked]

    assert (serve, len(asked)) == ("analytics-es serve --db demo.db", 5)
    assert [answer.status_code for answer in answers] == [200] * 5
    assert set(re.findall(r"^\| `/(\w+)` \|", text, re.MULTILINE)) == {kind.name for kind in KINDS}


def test_what_takes_time_is_told_as_the_guide_shows(tmp_path: Path) -> None:
    assert run_python(containing("analytics.timed", "python"), tmp_path) == containing("raised as ever", "text")


def test_the_web_application_of_the_guide_records_on_the_hot_path_and_durably(tmp_path: Path) -> None:
    code = containing("FastAPI", "python")
    use = """
from fastapi.testclient import TestClient

with TestClient(app) as client:
    print([client.post(f"/tools/{tool}").json() for tool in ("bash", "edit")])
    print(client.post("/budgets/b-1?amount=2.5").json()["position"] > 0)
    print(client.post("/answers?question=why").json())
    print(sorted(client.get("/health").json()))
"""

    assert run_python(code + use, tmp_path) == (
        "[{'accepted': True}, {'accepted': True}]\nTrue\n{'answer': '42'}\n['buffered', 'dropped', 'failed_commits']\n"
    )
    with AnalyticsService.open(tmp_path / "analytics.db", follow=False) as analytics:
        assert analytics.catch_up() == 1 + 4  # the policy of privacy comes first


def test_privacy_is_kept_as_the_guide_shows(tmp_path: Path) -> None:
    lost, policy, named, forgotten = blocks("docs/privacy.md", "python")
    (shown,) = blocks("docs/privacy.md", "text")
    (settings,) = blocks("docs/privacy.md", "toml")
    (tmp_path / "analytics.toml").write_text(settings)
    commands = SHELL.findall((ROOT / "docs/privacy.md").read_text())

    assert run_python(lost, tmp_path) == shown
    assert run_python(policy, tmp_path) == "3\n"
    assert run_python(named, tmp_path) == "['ada@example.com']\n"
    (asked,) = (command for command in commands if "--names" in command)
    assert "ada@example.com" in run_commands([asked], tmp_path)
    commands.remove(asked)
    assert "destroyed: 1 entry of the vault" in run_commands(commands, tmp_path)
    assert len(commands) == 3
    assert run_python(forgotten, tmp_path) == "0 0 [] []\n"
    assert found_in(tmp_path, "ada@example.com") == []


def test_every_link_between_the_pages_leads_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]

    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#]+)", page.read_text())]

    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []


def test_the_words_that_end_an_activity_are_in_the_page_of_concepts() -> None:
    rows = re.findall(r"^\| (`\w+`|nothing ended) \| ((?:`\w+` ?)+) \|$", (ROOT / "docs/concepts.md").read_text(), re.M)

    told = {outcome.strip("`"): tuple(words.replace("`", "").split()) for outcome, words in rows}

    assert told == {"nothing ended" if verdict == BEGUN else verdict: words for verdict, words in WORDS.items()}


def test_what_nothing_reads_is_told_as_the_page_of_concepts_shows(tmp_path: Path) -> None:
    (code,) = (block for block in blocks("docs/concepts.md", "python") if "unread_fields" in block)
    (shown,) = (block for block in blocks("docs/concepts.md", "text") if "not_read" in block)

    assert run_python(code, tmp_path) == shown


def test_answers_are_tables_as_their_page_shows(tmp_path: Path) -> None:
    first, second, third, drawn, _ = blocks("docs/answers.md", "python")

    assert run_python(f"{first}\n{second}\n{drawn}", tmp_path) == "".join(blocks("docs/answers.md", "text"))
    compile(third, "answers.md", "exec")  # polars, pandas and narwhals need not be there


def test_the_commands_of_the_page_of_answers_run(tmp_path: Path) -> None:
    run_python(blocks("docs/answers.md", "python")[0], tmp_path)
    commands = SHELL.findall((ROOT / "docs/answers.md").read_text())

    printed = run_commands([f"{command.partition(' >')[0]} --db answers.db" for command in commands], tmp_path)

    assert len(commands) == 3
    assert printed.startswith("# Report")


OPERATIONS = "docs/operations.md"
WORD = re.compile(r"\banalytics_es_(\w+)")


def test_the_page_of_health_and_metrics_runs_and_prints_what_it_says(tmp_path: Path) -> None:
    with opened(tmp_path / "analytics.db") as analytics:
        record(analytics, provider_call(), tool_call())
    commands, (shown,) = SHELL.findall((ROOT / OPERATIONS).read_text()), blocks(OPERATIONS, "text")

    assert run_commands(commands[:1], tmp_path) == shown
    assert run_commands(commands[1:2], tmp_path) == ""
    assert json.loads(run_commands(commands, tmp_path))["max_lag_events"] == 1000
    assert len(commands) == 3


def test_every_series_has_a_line_of_its_page_and_alerts_ask_for_those_that_are_there() -> None:
    with opened() as analytics:
        unknown = provider_call(model="house-model", provider="selfhosted", cost=None, currency=None)
        record(analytics, provider_call(), unknown, budget_allocated(scope="all"))
        analytics.record_event("tool.call.completed", {"duration_ms": "long"})
        set_clock(analytics, NOON + timedelta(days=1))
        client = TestClient(analytics_app(analytics))
        client.get("/nothing")
        told = WORD.findall("\n".join(re.sub("^#.*", "", line) for line in client.get("/metrics").text.splitlines()))
    text = (ROOT / OPERATIONS).read_text()
    listed = {
        name for row in re.findall(r"^\| (`[a-z_`, ]+`) \|", text, re.MULTILINE) for name in re.findall(r"\w+", row)
    }
    others = {"store", "log", "lag", "retention", "dead_letters", "failed_calls_total"}  # checks, and what went well

    assert set(told) - listed == set()
    assert listed - set(told) == others
    assert set(WORD.findall("".join(blocks(OPERATIONS, "yaml")))) <= listed
