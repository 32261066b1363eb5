"""Where a store is, and its two parts opened: files side by side, memory, or one schema of a PostgreSQL database."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

from analytics_es.errors import MissingExtra, UnknownScheme
from analytics_es.ingest.vault import KEY_BYTES, Vault, key_of
from analytics_es.log import EventLog, redacted
from analytics_es.log.sqlite import SQLiteLog
from analytics_es.log.sqlite.vault import SQLiteEntries
from analytics_es.projection.declaration import Declaration
from analytics_es.read_models import ReadModels, beside
from analytics_es.read_models.seeds import Seeds
from analytics_es.read_models.sqlite import SQLiteReadModels

SCHEMES = ("postgresql://", "postgres://")
SCHEMA = "analytics"


def open_store(
    url_or_path: str | Path,
    declared: Callable[[EventLog], Sequence[Declaration]],
    *,
    timezone: str,
    schema: str = SCHEMA,
    strict_ids: bool = False,
) -> tuple[EventLog, ReadModels]:
    """Open the log and the read models of a store, creating what is not there; raises CannotOpen.

    `declared` says what its read models are, which the log may have been told of.
    """
    if on_server(url_or_path):
        return _open_schema(str(url_or_path), schema, declared, timezone, strict_ids)
    path = log_path(url_or_path)
    if path:
        SQLiteLog.check(path)
        SQLiteReadModels.check(read_models_path(path))
    log = SQLiteLog(path, strict_ids=strict_ids)
    try:
        place = read_models_path(path) if path else None
        read_models = SQLiteReadModels(place, declared(log), log=log.identity, timezone=timezone, seeds=Seeds(log))
        read_models.restart_beyond(log.head)
        beside.settle(read_models)
        beside.tidy(read_models)
    except BaseException:
        log.close()
        raise
    return log, read_models


def _open_schema(
    url: str,
    schema: str,
    declared: Callable[[EventLog], Sequence[Declaration]],
    timezone: str,
    strict_ids: bool,
) -> tuple[EventLog, ReadModels]:
    postgres = _postgres()
    from analytics_es.read_models.postgres import PostgresReadModels

    database = postgres.Database(url, schema)
    try:
        log = postgres.PostgresLog(database, strict_ids=strict_ids)
    except BaseException:
        database.close()
        raise
    try:
        read_models = PostgresReadModels(database, declared(log), log=log.identity, timezone=timezone, seeds=Seeds(log))
        read_models.restart_beyond(log.head)
        beside.settle(read_models)
        beside.tidy(read_models)
    except BaseException:
        log.close()
        raise
    return log, read_models


def open_log(url_or_path: str | Path, schema: str = SCHEMA) -> EventLog:
    """Open the log of a store that is there, and nothing else; raises CannotOpen."""
    if not on_server(url_or_path):
        return SQLiteLog(log_path(url_or_path))
    postgres = _postgres()
    log: EventLog = postgres.PostgresLog(postgres.Database(str(url_or_path), schema))
    return log


def open_vault(url_or_path: str | Path, log: EventLog, key: Path | None = None) -> Vault:
    """Return the vault of a store that is open; its file and, unless given, its key are made when they are needed.

    `key` is the file of its key. In PostgreSQL the vault is in the log's schema, and its key is never beside it.
    """
    if on_server(url_or_path):
        entries = _postgres().PostgresEntries(log.database)  # type: ignore[attr-defined]  # it is a PostgresLog
        return Vault(lambda _: entries, key_of(key, None, entries.place))
    path = log_path(url_or_path)
    if path is None:
        secret = secrets.token_bytes(KEY_BYTES)
        return Vault(lambda _: SQLiteEntries(None), lambda _: secret)
    file = vault_path(path)
    return Vault(
        lambda make: SQLiteEntries(file) if make or file.exists() else None,
        key_of(key, file.with_suffix(".key"), file),
    )


def _postgres() -> ModuleType:
    """Import what only PostgreSQL needs."""
    try:
        from analytics_es.log import postgres
    except ModuleNotFoundError as error:
        if str(error.name).startswith("analytics_es"):
            raise
        raise MissingExtra(package=error.name, extra="postgres") from None
    return postgres


def exists(url_or_path: str | Path, *, schema: str = SCHEMA) -> bool:
    """Say whether there is a store; raises CannotOpen where that cannot be found out."""
    if on_server(url_or_path):
        postgres = _postgres()
        with postgres.opened(str(url_or_path), schema) as database:
            return bool(postgres.migrations.version(database))
    path = log_path(url_or_path)
    return path is not None and path.is_file() and path.stat().st_size > 0


def on_server(url_or_path: str | Path) -> bool:
    """Say whether a store is in a PostgreSQL database."""
    return str(url_or_path).startswith(SCHEMES)


def log_path(url_or_path: str | Path) -> Path | None:
    """Return the log's file of a path or URL, None for a private store in memory; raises UnknownScheme."""
    text = str(url_or_path)
    if text in (":memory:", "sqlite://", "sqlite:///:memory:"):
        return None
    scheme, found, rest = text.partition("://")
    if not found:
        if not text:
            raise UnknownScheme(url=redacted(text))
        return Path(text)
    if scheme != "sqlite" or not rest.startswith("/") or len(rest) < 2:
        raise UnknownScheme(url=redacted(text))
    return Path(rest[1:])


def read_models_path(log: Path) -> Path:
    """Return the file of the read models beside a log: `analytics.db` has `analytics.views.db`."""
    return log.with_name(f"{log.stem}.views{log.suffix}")


def vault_path(log: Path) -> Path:
    """Return the file of the vault beside a log: `analytics.db` has `analytics.vault.db`."""
    return log.with_name(f"{log.stem}.vault{log.suffix}")
