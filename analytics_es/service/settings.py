"""The settings file: TOML, read strictly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from analytics_es.cost.tags import check_tags
from analytics_es.errors import BadPolicy, BadRetention, BadSettings, BadStrictIds, BadTags
from analytics_es.ingest import PrivacyPolicy
from analytics_es.lifecycle import RetentionPolicy
from analytics_es.log.strict import Strict, StrictIds

MAX_BYTES = 2**20


@frozen(kw_only=True)
class Settings:
    """What a settings file says; None is what it says nothing about."""

    privacy: PrivacyPolicy | None = None
    vault_key: Path | None = None
    retention: RetentionPolicy | None = None
    tags: tuple[str, ...] | None = None
    strict_ids: StrictIds | None = None
    strict: bool | None = None


def read_settings(path: Path) -> Settings:
    """Read a settings file; raises BadSettings, which names the file, the key and what is allowed."""
    import tomllib

    try:
        tables = tomllib.loads(_text(path))
    except OSError as error:
        raise BadSettings(path=path, problem=f"cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSettings(path=path, problem=f"is not TOML: {error}") from error
    settings: dict[str, Any] = {}
    for name, table in tables.items():
        if name not in TABLES:
            raise BadSettings(path=path, problem=f"there is no table {name!r}: use {', '.join(TABLES)}")
        if not isinstance(table, Mapping):
            raise BadSettings(path=path, problem=f"{name} must be a table: write [{name}]")
        settings |= TABLES[name](path, dict(table))
    return Settings(**settings)


def _text(path: Path) -> str:
    with path.open("rb") as file:
        text = file.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise BadSettings(path=path, problem=f"is longer than {MAX_BYTES} bytes")
    return text.decode("utf-8")


def _privacy(path: Path, table: dict[str, Any]) -> dict[str, Any]:
    _only(path, "privacy", table, ("preset", "rules", "names", "vault_key"))
    key = table.pop("vault_key", None)
    if key is not None and not isinstance(key, str):
        raise BadSettings(path=path, problem="privacy.vault_key must be the path of a file")
    try:
        policy = PrivacyPolicy.of(table) if table else None  # where the key is says nothing of the policy
    except BadPolicy as error:
        raise BadSettings(path=path, problem=f"privacy: {error.details['problem']}") from error
    return {"privacy": policy, "vault_key": None if key is None else path.parent / key}


def _retention(path: Path, table: dict[str, Any]) -> dict[str, Any]:
    if isinstance(archive := table.get("archive"), str):
        table["archive"] = str(path.parent / archive)
    try:
        return {"retention": RetentionPolicy.of(table) if table else None}
    except BadRetention as error:
        raise BadSettings(path=path, problem=f"retention: {error}") from error


def _cost(path: Path, table: dict[str, Any]) -> dict[str, Any]:
    _only(path, "cost", table, ("tags",))
    try:
        return {"tags": check_tags(table["tags"])} if "tags" in table else {}
    except BadTags as error:
        raise BadSettings(path=path, problem=f"cost.tags: {error.details['problem']}") from error


def _identity(path: Path, table: dict[str, Any]) -> dict[str, Any]:
    _only(path, "identity", table, ("strict_ids",))
    strict_ids = table.get("strict_ids", False)
    if not isinstance(strict_ids, bool | list):
        raise BadSettings(path=path, problem="identity.strict_ids must be true, false or a list of sources")
    try:
        return {"strict_ids": list(Strict.of(strict_ids).patterns)} if table else {}
    except BadStrictIds as error:
        raise BadSettings(
            path=path, problem=f"identity.strict_ids: there is no source {error.details['value']}"
        ) from error


def _events(path: Path, table: dict[str, Any]) -> dict[str, Any]:
    _only(path, "events", table, ("strict",))
    strict = table.get("strict")
    if strict is not None and not isinstance(strict, bool):
        raise BadSettings(path=path, problem="events.strict must be true or false")
    return {"strict": strict}


def _only(path: Path, name: str, table: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for key in table:
        if key not in names:
            raise BadSettings(path=path, problem=f"there is no key {name}.{key}: use {', '.join(names)}")


# Every table: what reads it.
TABLES: dict[str, Callable[[Path, dict[str, Any]], dict[str, Any]]] = {
    "privacy": _privacy,
    "retention": _retention,
    "cost": _cost,
    "identity": _identity,
    "events": _events,
}
