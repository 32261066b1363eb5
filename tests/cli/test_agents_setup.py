"""agents setup: what an agent needs to send to the HTTP door, printed or written, with all else as it was."""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.cli.agents import merging, settings_file
from analytics_es.cli.agents.settings_file import SettingsFile
from analytics_es.cli.agents.telemetry_settings import CODEX, TELEMETRY, Door
from tests.cli.conftest import Cli

TOKEN = "s3cr/et+token"
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME", "ANALYTICS_ES_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for folder in (".claude", ".codex", ".gemini"):
        (tmp_path / folder).mkdir()
    return tmp_path


def run(cli: Cli, *words: str, code: int = 0) -> dict[str, Any]:
    result = cli("agents", "setup", *words, "--json")
    assert result.exit_code == code, result.output
    assert TOKEN not in result.output
    answer: dict[str, Any] = json.loads(result.stdout) if code == 0 else {"error": result.stderr}
    return answer


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# ── what it says ────────────────────────────────────────────────────────────────────────────────────────────────


def test_settings_say_what_the_page_of_the_door_says() -> None:
    page = (ROOT / "docs" / "http.md").read_text()
    door = Door(endpoint="http://127.0.0.1:4318")
    exported = dict(re.findall(r"^export (\w+)=(\S+)$", page, re.MULTILINE))
    gemini = {name: value for name, value in exported.items() if name.startswith("GEMINI_")}
    words = {
        re.sub(r"([A-Z])", r"_\1", name).upper(): json.dumps(value).strip('"')
        for name, value in TELEMETRY["gemini"].settings(door)["telemetry"].items()
    }

    assert TELEMETRY["claude-code"].settings(door) == {
        "env": {name: value for name, value in exported.items() if name not in gemini}
    }
    assert {f"GEMINI_TELEMETRY_{name}": value for name, value in words.items()} == gemini
    (codex,) = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert TELEMETRY["codex"].settings(door) == tomllib.loads(codex)


@pytest.mark.parametrize("agent", TELEMETRY)
def test_without_write_nothing_is_touched(cli: Cli, home: Path, agent: str) -> None:
    answer = run(cli, agent)

    assert answer["changes"] and not answer["written"]
    assert [path for path in home.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("agent", TELEMETRY)
def test_written_once_it_is_there_and_again_changes_nothing(cli: Cli, agent: str) -> None:
    first, again = run(cli, agent, "--write"), run(cli, agent, "--write")

    path = Path(first["path"])
    read = json.loads if path.suffix == ".json" else tomllib.loads
    assert read(path.read_text()) == TELEMETRY[agent].settings(Door(endpoint="http://127.0.0.1:4318"))
    assert (first["written"], first["backup"], mode(path)) == (True, None, 0o600)
    assert (again["written"], again["changes"], again["backup"]) == (False, [], None)
    assert "nothing changes" in cli("agents", "setup", agent, "--write").stdout


@pytest.mark.parametrize(
    ("agent", "variable", "below"),
    [
        ("claude-code", "CLAUDE_CONFIG_DIR", "settings.json"),
        ("codex", "CODEX_HOME", "config.toml"),
        ("gemini", "GEMINI_CLI_HOME", ".gemini/settings.json"),
    ],
)
def test_the_folder_that_the_environment_names_is_the_agents(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agent: str, variable: str, below: str
) -> None:
    monkeypatch.setenv(variable, f"{tmp_path / 'own'},{tmp_path / 'other'}")

    assert run(cli, agent)["path"] == str(tmp_path / "own" / below)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:4318", "ftp://x", "http://", "http://u:p@x", "http://x/?q", "http://a b"]
)
def test_an_address_that_is_none_is_wrong_usage(cli: Cli, address: str) -> None:
    result = cli("agents", "setup", "codex", "--endpoint", address)

    assert (result.exit_code, "is no address such as" in result.stderr) == (2, True)


# ── merged ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_json_keeps_all_else_in_its_order_its_indent_and_its_signs(cli: Cli, home: Path) -> None:
    path = home / ".claude" / "settings.json"
    path.write_text(
        '{\n    "zeta": [1, 2.50],\n    "env": {\n        "B": "ü",\n        "A": "1"\n    },\n    "alpha": null\n}'
    )
    path.chmod(0o640)

    answer = run(cli, "claude-code", "--write")

    text = path.read_text()
    assert list(json.loads(text)) == ["zeta", "env", "alpha"]
    assert list(json.loads(text)["env"])[:2] == ["B", "A"]
    assert '\n        "B": "ü",' in text and not text.endswith("\n")
    assert mode(path) == 0o640
    assert '"alpha": null' in Path(answer["backup"]).read_text()


def test_toml_keeps_comments_and_all_else_to_the_letter(cli: Cli, home: Path) -> None:
    path = home / ".codex" / "config.toml"
    before = '# mine\nmodel = "gpt-5.5" # dear\n\n[mcp_servers.a]\ncommand = "x"'
    path.write_text(before)

    run(cli, "codex", "--write")

    assert path.read_text().startswith(before + "\n\n[otel]\n")
    assert tomllib.loads(path.read_text())["otel"]["exporter"]["otlp-http"]["endpoint"].endswith("/v1/logs")


def test_a_table_that_lacks_something_gets_it_where_it_stands(cli: Cli, home: Path) -> None:
    path = home / ".codex" / "config.toml"
    path.write_text('[otel] # ours\nenvironment = "dev" # here\n\n[tui]\ntheme = "x"\n')

    run(cli, "codex", "--write")

    lines = path.read_text().splitlines()
    assert lines[0] == "[otel] # ours"
    assert lines[-4:] == ['environment = "dev" # here', "", "[tui]", 'theme = "x"']


OTHERS = {
    "codex": [
        '[otel]\nexporter = "none"\nlog_user_prompt = true # no\n[tui]\n',
        '[otel]\n[otel.exporter.otlp-http] # theirs\n# a remark\nendpoint = "https://x/v1/logs"\nprotocol = "json"\n'
        '[otel.exporter."otlp-http".headers]\nx-api-key = "abcdef"\n[tui]\n',
    ],
    "claude-code": ['{"env": {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://x", "OTEL_EXPORTER_OTLP_HEADERS": "k=abcdef"}}'],
    "gemini": ['{"telemetry": {"logPrompts": true}}'],
}


@pytest.mark.parametrize(("agent", "text"), [(agent, text) for agent, texts in OTHERS.items() for text in texts])
def test_what_says_something_else_is_replaced_with_force_alone(cli: Cli, home: Path, agent: str, text: str) -> None:
    path = TELEMETRY[agent].path({})
    path.write_text(text)
    (home / "token").write_text(TOKEN)
    words = (agent, "--token-file", str(home / "token"), "--write")

    refused = run(cli, *words, code=1)["error"]
    kept = path.read_text()
    done = run(cli, *words, "--force")

    assert (kept, "says something else of" in refused, refused.count("\n")) == (text, True, 1)
    assert "abcdef" not in f"{refused}{done}"  # a token of somebody else's
    assert Path(done["backup"]).read_text() == text
    assert run(cli, *words)["changes"] == []
    assert ("[tui]" in path.read_text()) == ("[tui]" in text)
    assert ("# a remark" in path.read_text()) == ("# a remark" in text)


NO_JSON = ['{"a": 1e400}', '{"a": NaN}']
WRONG = {
    "claude-code": [
        "[1]",
        '{"a": 1,}',
        '// c\n{"a": 1}',
        '{"env": []}',
        '{"a": 1, "a": 2}',
        "null",
        '{"a": 1e400}',
        '{"a": NaN}',
    ],
    "codex": ["[otel", "otel = 1", 'otel = { exporter = "none" }', 'otel.environment = "dev"', "a = 1\na = 2"],
}


def test_what_is_right_and_cannot_be_changed_is_not_told_to_be_wrong(cli: Cli, home: Path) -> None:
    CODEX.path({}).write_text("otel = {}\n")

    assert "is written in a way that is not changed safely" in run(cli, "codex", "--write", code=1)["error"]


@pytest.mark.parametrize(("agent", "text"), [(agent, text) for agent, texts in WRONG.items() for text in texts])
def test_what_cannot_be_merged_safely_is_left_alone_and_the_settings_are_printed(
    cli: Cli, home: Path, agent: str, text: str
) -> None:
    path = TELEMETRY[agent].path({})
    path.write_text(text)

    refused = run(cli, agent, "--write", "--force", code=1)["error"]
    printed = run(cli, agent)

    assert (path.read_text(), refused.count("\n")) == (text, 1)
    assert "Put the settings in by hand." in refused
    assert printed["problem"] in refused and "4318" in printed["settings"]
    assert [other.name for other in path.parent.iterdir()] == [path.name]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON, max_size=5), st.sampled_from([None, 1, 4, "\t"]))
def test_law_whatever_else_stands_in_json_is_there_after(before: dict[str, Any], indent: Any) -> None:
    before = {name: value for name, value in before.items() if name not in ("env", "telemetry")}
    text = json.dumps(before, indent=indent)
    for name in ("claude-code", "gemini"):
        settings = TELEMETRY[name].settings(Door(endpoint="http://x"))

        after = merging.merged(text, "json", merging.changes(text, "json", settings))

        assert json.loads(after) == {**before, **settings}
        assert merging.changes(after, "json", settings) == []


NAMES = st.sampled_from(["model", "tui", "mcp_servers.a", "profiles.work", "notify"])
COMMENTS = st.sampled_from(["", "  # mine", "# [otel]", "    # exporter = 1"])


@given(
    st.lists(st.tuples(NAMES, COMMENTS, st.integers()), unique_by=lambda table: table[0]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_law_each_line_that_stands_in_toml_is_there_after(tables: list[tuple[str, str, int]], end: str) -> None:
    lines = [
        line for name, comment, number in tables for line in (comment, f"[{name}]", f"exporter = {number}{comment}", "")
    ]
    text = "".join(f"{line}{end}" for line in lines)
    settings = TELEMETRY["codex"].settings(Door(endpoint="http://x", token=f"{TOKEN}\\"))

    after = merging.merged(text, "toml", merging.changes(text, "toml", settings))

    assert after.startswith(text)
    assert tomllib.loads(after) == {**tomllib.loads(text), **settings}
    assert merging.changes(after, "toml", settings) == []


# ── tokens ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("agent", ["claude-code", "codex"])
def test_a_token_is_printed_nowhere_and_written_where_nobody_else_reads(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch, agent: str
) -> None:
    monkeypatch.setenv("ANALYTICS_ES_TOKEN", TOKEN)
    path = TELEMETRY[agent].path({})
    path.write_text("{}" if path.suffix == ".json" else "a = 1\n")
    path.chmod(0o644)

    printed, written = cli("agents", "setup", agent).stdout, run(cli, agent, "--write")

    assert TOKEN not in printed and "s3cr%2Fet" not in printed and "Bearer" in printed
    assert "s3cr%2Fet%2Btoken" in path.read_text() or TOKEN in path.read_text()
    assert (mode(path), mode(Path(written["backup"]))) == (0o600, 0o600)


def test_an_agent_whose_settings_hold_no_token_is_told_where_it_goes(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_ES_TOKEN", TOKEN)

    answer = run(cli, "gemini", "--write")

    assert "OTEL_EXPORTER_OTLP_HEADERS" in answer["notes"][0]
    assert TOKEN not in Path(answer["path"]).read_text()


@pytest.mark.parametrize("text", ["", "two words", "ü", "a\nb"])
def test_a_token_that_no_header_can_have_is_refused(cli: Cli, tmp_path: Path, text: str) -> None:
    (tmp_path / "token").write_text(text)

    assert "The token has" in run(cli, "codex", "--token-file", str(tmp_path / "token"), code=1)["error"]


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────


def refused(cli: Cli, why: str) -> None:
    error = run(cli, "claude-code", "--write", code=1)["error"]
    assert (why in error, error.count("\n")) == (True, 1), error


def test_a_link_is_not_written_through(cli: Cli, home: Path) -> None:
    (home / "dotfiles.json").write_text("{}")
    (home / ".claude" / "settings.json").symlink_to(home / "dotfiles.json")

    refused(cli, "it is a link to")
    assert (home / "dotfiles.json").read_text() == "{}"


def test_a_folder_that_is_not_there_is_named(cli: Cli, home: Path) -> None:
    (home / ".claude").rmdir()

    refused(cli, f"there is no folder {home / '.claude'}")


def test_what_is_read_only_stays(cli: Cli, home: Path) -> None:
    path = home / ".claude" / "settings.json"
    path.write_text("{}")
    path.chmod(0o444)

    refused(cli, "it is read-only")
    assert path.read_text() == "{}"


@pytest.mark.parametrize("content", [b"\xff\xfe{\x00}\x00", b'{"a": "\xff"}'])
def test_what_is_no_text_is_left_alone(cli: Cli, home: Path, content: bytes) -> None:
    (home / ".claude" / "settings.json").write_bytes(content)

    refused(cli, "it is no text in UTF-8")


def test_what_is_no_file_is_left_alone(cli: Cli, home: Path) -> None:
    os.mkfifo(home / ".claude" / "settings.json")

    refused(cli, "it is no file of settings")


def test_a_mark_of_the_byte_order_and_ends_of_lines_stay(cli: Cli, home: Path) -> None:
    path = home / ".claude" / "settings.json"
    path.write_bytes(b'\xef\xbb\xbf{\r\n  "a": 1\r\n}\r\n')

    run(cli, "claude-code", "--write")

    written = path.read_bytes()
    assert written.startswith(b'\xef\xbb\xbf{\r\n  "a": 1,\r\n')
    assert written.count(b"\n") == written.count(b"\r\n")


def test_what_somebody_else_writes_meanwhile_is_not_lost(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / ".claude" / "settings.json"
    path.write_text("{}")
    create = settings_file._create

    def meanwhile(target: Path, content: bytes, mode: int) -> None:
        create(target, content, mode)
        path.write_text('{"theirs": 1}')

    monkeypatch.setattr(settings_file, "_create", meanwhile)

    refused(cli, "changed by somebody else just now")
    assert path.read_text() == '{"theirs": 1}'
    assert [other.name for other in path.parent.iterdir()] == ["settings.json"]


def test_copies_of_before_are_named_by_the_day_and_never_replaced(home: Path) -> None:
    from datetime import date

    path = home / ".claude" / "settings.json"
    for text in ("1", "2", "3"):
        path.write_text(text)
        SettingsFile.read(path).write("new", private=False, today=date(2026, 11, 29))

    copies = {other.name: other.read_text() for other in path.parent.glob("*.bak")}
    assert copies == {
        "settings.json.2026-11-29.bak": "1",
        "settings.json.2026-11-29-2.bak": "2",
        "settings.json.2026-11-29-3.bak": "3",
    }
