"""agents setup: the settings that make an agent send its telemetry to the HTTP door, printed or written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import click
from attrs import frozen

from analytics_es.cli.agents import merging
from analytics_es.cli.agents.merging import Change, Unmergeable
from analytics_es.cli.agents.settings_file import SettingsFile
from analytics_es.cli.agents.telemetry_settings import TELEMETRY, Door, Settings, Telemetry
from analytics_es.cli.display import print_answer
from analytics_es.cli.options import json_option
from analytics_es.cli.token import TOKEN, token_of
from analytics_es.errors import BadToken, NotSettings, OtherSettings
from analytics_es.presentation import Block, Line
from analytics_es.presentation.words import safe

HERE = "http://127.0.0.1:4318"  # where `analytics-es serve` listens
HIDDEN = "…"
_TOKEN = re.compile(r"[!-~]+")
_SECRET = re.compile(r"(Bearer(?: |%20)|Basic(?: |%20)|=)[^\s\"',}]+")


@frozen(kw_only=True)
class SetupReport:
    """What became of an agent's settings.

    agent: its name; path: the file; settings: what stands there then, as text, without the token.
    changes: what changes, in words; replaces: which of these say something else now.
    written: whether it was; backup: where what stood there is now.
    problem: why nothing can be written there, "" where it can; notes: what else there is to do.
    """

    agent: str
    path: str
    settings: str
    changes: list[str]
    replaces: list[str]
    written: bool
    backup: str | None
    problem: str
    notes: list[str]


def _endpoint(context: click.Context, option: click.Parameter, text: str) -> str:
    try:
        url = urlsplit(text)
        good = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        good = False
    if not good or url.query or url.fragment or url.username or not _TOKEN.fullmatch(text):
        raise click.BadParameter(f"{text!r} is no address such as {HERE}.")
    return text.rstrip("/")


@click.command()
@click.argument("agent", type=click.Choice(list(TELEMETRY)), metavar="AGENT")
@click.option(
    "--endpoint",
    default=HERE,
    show_default=True,
    metavar="URL",
    callback=_endpoint,
    help="Where `analytics-es serve` listens.",
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"A file with the token that the server asks for; without it, the variable {TOKEN} has it, if there is one.",
)
@click.option("--write", is_flag=True, help="Write them, all else kept, with a copy of the file as it was.")
@click.option("--force", is_flag=True, help="Replace what says something else.")
@json_option
def setup(agent: str, endpoint: str, token_file: Path | None, write: bool, force: bool, as_json: bool) -> None:
    """Print, or write, an agent's settings of telemetry.

    AGENT is claude-code, codex or gemini-cli.

    They make it send its calls to `analytics-es serve`. Without --write nothing is touched: the settings are printed,
    and what they would change. With it they are merged into the agent's own file, and what stood there is kept beside
    it. Prompts and other content are not sent.

    A token is printed nowhere. It is written as the agent needs it, into a file that nobody else may read.

    \b
    Examples:
      analytics-es agents setup claude-code
      analytics-es agents setup codex --write
      analytics-es agents setup codex --endpoint https://example.com --token-file token
    """
    telemetry = TELEMETRY[agent]
    token = _checked(token_of(token_file))
    door = Door(endpoint=endpoint, token=token if telemetry.takes_token else None)
    path, settings = telemetry.path(), telemetry.settings(door)
    notes, changes, backup = [*_notes(telemetry, endpoint, token)], list[Change](), None
    problem = ""
    try:
        file = SettingsFile.read(path)
        changes, text = _merged(file, telemetry.form, settings)
        if write and changes:
            backup = _written(file, text, changes, force=force, private=bool(door.token))
    except NotSettings as error:
        if write:
            raise
        problem = str(error)
    report = SetupReport(
        agent=agent,
        path=str(path),
        settings=_hidden(merging.shown(settings, telemetry.form), token),
        changes=[_hidden(_said(change), token) for change in changes],
        replaces=[change.path for change in changes if change.before is not None],
        written=write and bool(changes),
        backup=str(backup) if backup else None,
        problem=problem,
        notes=notes,
    )
    print_answer(report, _blocks(report), as_json)


def _merged(file: SettingsFile, form: str, settings: Settings) -> tuple[list[Change], str]:
    """Return what changes of a file, and what it says then; raises NotSettings."""
    try:
        changes = merging.changes(file.text, form, settings)
        return changes, merging.merged(file.text, form, changes)
    except Unmergeable as error:
        raise NotSettings(path=file.path, problem=error) from None


def _checked(token: str | None) -> str | None:
    if token is None:
        return None
    if not _TOKEN.fullmatch(token):
        raise BadToken(problem="has other signs than those, or none")
    return token


def _written(file: SettingsFile, text: str, changes: list[Change], *, force: bool, private: bool) -> Path | None:
    others = [change.path for change in changes if change.before is not None]
    if others and not force:
        raise OtherSettings(path=file.path, names=", ".join(others))
    return file.write(text, private=private, today=datetime.now().astimezone().date())


# ── what is said ────────────────────────────────────────────────────────────────────────────────────────────────


def _said(change: Change) -> str:
    after = json.dumps(change.after, ensure_ascii=False)
    if change.before is None:
        return f"+ {change.path}: {after}"
    before = json.dumps(_without_headers(change.before), ensure_ascii=False, default=str)
    before = _SECRET.sub(rf"\g<1>{HIDDEN}", before)
    return f"~ {change.path}: {before} → {after}"


def _without_headers(said: Any) -> Any:
    """Return what a file says without what headers hold: that is how tokens are sent."""
    if not isinstance(said, dict):
        return said
    return {
        name: dict.fromkeys(inner, HIDDEN) if name == "headers" and isinstance(inner, dict) else _without_headers(inner)
        for name, inner in said.items()
    }


def _hidden(text: str, token: str | None) -> str:
    for form in (token, quote(token, safe="")) if token else ():
        text = text.replace(form, HIDDEN).replace(json.dumps(form, ensure_ascii=False)[1:-1], HIDDEN)
    return text


def _notes(telemetry: Telemetry, endpoint: str, token: str | None) -> Iterator[str]:
    if token:
        yield telemetry.otherwise or "it holds a token then: nobody else may read it, nor the copy of before"
    elif urlsplit(endpoint).hostname not in ("127.0.0.1", "localhost", "::1"):
        yield f"a server elsewhere asks for a token: pass --token-file, or set {TOKEN}"
    if not telemetry.same_ids:
        yield (
            f"{telemetry.title}'s session logs know calls by other ids than its telemetry: in one store they count "
            "twice; keep one way, or two stores; `agents check` compares them"
        )


def _blocks(report: SetupReport) -> Iterator[Block]:
    yield Line(safe(report.path), "bold")
    if report.written:
        yield from map(Line, map(safe, report.changes))
        kept = f"; as it was before: {report.backup}" if report.backup else ""
        yield Line(safe(f"written{kept}; it counts from the agent's next start"))
    else:
        yield from map(Line, map(safe, report.settings.splitlines()))
        yield Line()
    if not report.changes and not report.problem:
        yield Line("nothing changes: it says all of this already")
    elif not report.written and report.changes:
        yield Line(f"--write {'--force ' if report.replaces else ''}would change there:")
        yield from map(Line, map(safe, report.changes))
    for note in filter(None, (report.problem, *report.notes)):
        yield Line(safe(f"note: {note}"))
