"""Settings that stand in a file and settings that shall: what differs, and the text with both, all else kept."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from attrs import frozen

from analytics_es.cli.agents.telemetry_settings import Settings

OF_FORM = {"json": "JSON", "toml": "TOML"}
_HEADER = re.compile(r"\s*\[")
_INDENT = re.compile(r"^([ \t]+)\S", re.MULTILINE)


class Unmergeable(ValueError):
    """Why a text cannot take settings, in words."""


@frozen
class Change:
    """One setting that a file lacks, or says something else of: by table and name; `before` is None where it lacks."""

    table: str
    name: str
    before: Any
    after: Any

    @property
    def path(self) -> str:
        """How it is named in a line."""
        return f"{self.table}.{self.name}"


def changes(text: str, form: str, settings: Settings) -> list[Change]:
    """Return what a text lacks of settings, or says something else of; raises Unmergeable."""
    there = _read(text, form)
    for table in settings:
        if not isinstance(there.get(table, {}), dict):
            raise Unmergeable(f"{table} holds no settings by name there")
    return [
        Change(table, name, there.get(table, {}).get(name), after)
        for table, wanted in settings.items()
        for name, after in wanted.items()
        if not _equal(there.get(table, {}).get(name), after)
    ]


def merged(text: str, form: str, missing: list[Change]) -> str:
    """Return a text with these changes in it; raises Unmergeable where that is not certainly right.

    Of JSON the order stays, and how far it is indented. TOML is changed by lines, so that comments stay, and what it
    says then is compared with what it should: no library that keeps comments is needed for that.
    """
    if not missing:
        return text
    wanted = _with(_read(text, form), missing)
    written = _json(text, wanted) if form == "json" else _toml(text, missing)
    if not _says(written, form, wanted):
        raise Unmergeable("what stands there is written in a way that is not changed safely")
    return written


def _says(written: str, form: str, wanted: Mapping[str, Any]) -> bool:
    try:
        return _equal(_read(written, form), wanted)
    except Unmergeable:
        return False


def shown(settings: Settings, form: str) -> str:
    """Return settings as they would stand in a file that has nothing else."""
    if form == "json":
        return json.dumps(settings, indent=2)
    return "\n".join(
        _table(name, [f"{key} = {_toml_of(value)}" for key, value in t.items()]) for name, t in settings.items()
    )


def _read(text: str, form: str) -> dict[str, Any]:
    try:
        there: Any = {}
        if form == "toml":
            there = tomllib.loads(text)
        elif text.strip():
            there = json.loads(text, object_pairs_hook=_once, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        if isinstance(error, Unmergeable):
            raise
        raise Unmergeable(f"it is not {OF_FORM[form]} ({error})") from None
    if not isinstance(there, dict):
        raise Unmergeable("it holds no settings by name")
    return there


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) < len(pairs):
        raise Unmergeable("it has a name twice")
    return names


def _finite(text: str) -> float:
    """Read a number; one that JSON cannot say, or too large a one to be written again, is none."""
    number = float(text)
    if not isfinite(number):
        raise Unmergeable(f"it has a number that cannot be kept, {text}")
    return number


def _with(there: Mapping[str, Any], missing: list[Change]) -> dict[str, Any]:
    wanted = dict(there)
    for change in missing:
        wanted[change.table] = {**wanted.get(change.table, {}), change.name: change.after}
    return wanted


def _equal(one: Any, other: Any) -> bool:
    """Compare as the files tell it: `1` is not `true`, and an order of names says nothing."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return type(one) is type(other) and (one == other or one != one)


# ── JSON ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _json(text: str, wanted: Mapping[str, Any]) -> str:
    indent = _INDENT.search(text)
    written = json.dumps(wanted, indent=indent[1] if indent else 2, ensure_ascii=False)
    if not _is_utf8(written):  # half a sign, as `\ud800` can say
        written = json.dumps(wanted, indent=indent[1] if indent else 2)
    written += "\n" if text.endswith("\n") or not text else ""
    return written.replace("\n", "\r\n") if "\r\n" in text else written


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# ── TOML ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _toml(text: str, missing: list[Change]) -> str:
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    for table in dict.fromkeys(change.table for change in missing):
        names = {change.name: change.after for change in missing if change.table == table}
        lines = list(_without(lines, table, names))
        added = [f"{name} = {_toml_of(value)}" for name, value in names.items()]
        at = next((number for number, line in enumerate(lines) if _is_header(line, table)), None)
        if at is None:
            before = [] if not lines else [end] if lines[-1].endswith("\n") else [end, end]
            lines += [*before, *(f"{line}{end}" for line in _table(table, added).splitlines())]
        else:
            lines[at] = lines[at] if lines[at].endswith("\n") else f"{lines[at]}{end}"
            lines[at + 1 : at + 1] = [f"{line}{end}" for line in added]
    return "".join(lines)


def _without(lines: list[str], table: str, names: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines but those that say something of these names in a table; comments stay."""
    within, dropped = False, False
    of_names = "|".join(map(re.escape, names))
    key = re.compile(rf"\s*[\"']?(?:{of_names})[\"']?\s*[.=]")
    part = re.compile(rf"\s*\[\s*[\"']?{re.escape(table)}[\"']?\s*\.\s*[\"']?(?:{of_names})[\"']?\s*[.\]]")
    for line in lines:
        if _HEADER.match(line):
            within, dropped = _is_header(line, table), part.match(line) is not None
        said = line.strip() and not line.lstrip().startswith("#")
        if (dropped and said) or (within and key.match(line)):
            continue
        yield line


def _is_header(line: str, table: str) -> bool:
    return re.match(rf"\s*\[\s*[\"']?{re.escape(table)}[\"']?\s*\]", line) is not None


def _table(name: str, lines: list[str]) -> str:
    return "\n".join([f"[{name}]", *lines])


def _toml_of(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_toml_of(inner)}" for name, inner in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
