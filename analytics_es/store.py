"""An open store as one value, and how it is opened: files side by side, memory, or one schema of a database."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from attrs import evolve, frozen

from analytics_es.errors import MissingExtra, MissingProjection, NoGroups, UnknownScheme, UnknownTimezone
from analytics_es.events.fields import TAG, named_by
from analytics_es.ingest import PrivacyPolicy
from analytics_es.ingest.door import Door
from analytics_es.ingest.privacy import kind_of
from analytics_es.ingest.recorder import Recorder
from analytics_es.ingest.unread import Watch
from analytics_es.ingest.vault import KEY_BYTES, Vault, key_of
from analytics_es.log import EventLog, redacted
from analytics_es.log.event_log import Durability
from analytics_es.log.sqlite import SQLiteLog
from analytics_es.log.sqlite.vault import SQLiteEntries
from analytics_es.log.strict import StrictIds
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Fold
from analytics_es.projection.reading import own_fields
from analytics_es.read_models import ReadModels, Seeds, Tiling, beside
from analytics_es.read_models.catch_up import Runner
from analytics_es.read_models.seeds import sealed_until
from analytics_es.read_models.sources import LogSource, ReplaySource
from analytics_es.read_models.sqlite import SQLiteReadModels
from analytics_es.types import AggregationResult, Progress, RebuildResult, TimePeriod
from analytics_es.types.defaults import SCHEMA

SCHEMES = ("postgresql://", "postgres://")

Declared = Callable[[EventLog], Sequence[Declaration]]


@frozen(kw_only=True, eq=False)
class Store:
    """The parts of an open store, handed as one to whatever works on several of them."""

    log: EventLog
    read_models: ReadModels
    calendar: Calendar  # where hours and days begin
    fold: Fold  # of the projections that are declared
    runner: Runner  # brings the read models up to the log's head
    recorder: Recorder  # what is recorded passes its door; what the service itself has to say does not
    replay_source: LogSource  # the log, as other processes can open it too
    vault: Vault
    policy: PrivacyPolicy
    clock: Callable[[], datetime]

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        """The projections that are declared; a live read model may be of an older definition."""
        return tuple(self.read_models.declarations.values())

    def selected(self, names: Sequence[str] | None) -> list[str]:
        """Return the named projections in their order, of None all; raises MissingProjection."""
        declared = self.read_models.declarations
        for name in names or ():
            if name not in declared:
                raise MissingProjection(projection=name)
        return [name for name in declared if names is None or name in names]

    def known_as(self, entity: str, value: str) -> str:
        """Return the name under which the log knows an entity: its pseudonym, where it has one."""
        if not self.policy.pseudonymises(entity):
            return value
        return self.vault.known_as(kind_of(".".join(named_by(entity))), value)

    def derive_again(self, period: TimePeriod, names: Sequence[str] | None = None) -> AggregationResult:
        """Derive the hours of a period, and the days they lie in, from the log and swap them in, beside a follower."""
        from analytics_es.read_models.aggregation import run_aggregation

        tiling = Tiling.of(self.calendar, period)
        return run_aggregation(self.log, self.read_models, self.fold, tiling, period, names)

    def rebuild(
        self,
        names: Sequence[str],
        progress: Progress | None = None,
        *,
        set_aside: bool = True,
        source: ReplaySource | None = None,
        seeds: Seeds | None = None,
        **replay: Any,
    ) -> RebuildResult:
        """Derive read models again from the whole log, or another `source`, beside the live ones, and swap them in.

        They begin with the rows of sealed events, or with other `seeds`. `replay` says how: see `replaying`.
        """
        from analytics_es.read_models.rebuild import rebuild
        from analytics_es.read_models.replay import replaying

        result = rebuild(
            self.log,
            self.read_models,
            names,
            lambda beside: replaying(source or self.replay_source, beside, self.calendar, **replay),
            set_aside=set_aside,
            seeds=seeds,
            progress=progress,
        )
        return result if source else evolve(result, sealed_until=sealed_until(self.log, self.calendar))

    def close(self) -> None:
        """Stop following and close everything; what was recorded is durable already."""
        with ExitStack() as closing:  # the last first, whatever one of them raises
            for part in (self.log, self.vault, self.read_models, self.fold, self.runner):
                closing.callback(part.close)


# ── opening ─────────────────────────────────────────────────────────────────────────────────────────────────────


def open_store(
    url_or_path: str | Path,
    declared: Declared,
    *,
    timezone: str,
    schema: str = SCHEMA,
    strict_ids: StrictIds = False,
    durability: Durability = "commit",
    strict: bool = False,
    policy: PrivacyPolicy,
    vault_key: Path | None = None,
    clock: Callable[[], datetime],
) -> Store:
    """Open a store, creating what is not there; raises UnknownTimezone and CannotOpen.

    `declared` says what its read models are, which the log may have been told of.
    """
    try:
        calendar = Calendar(timezone)
    except ValueError:
        raise UnknownTimezone(name=timezone) from None
    if on_server(url_or_path):
        log, read_models = _open_schema(str(url_or_path), schema, declared, timezone, strict_ids, durability)
    elif durability == "group":
        raise NoGroups(place=log_path(url_or_path) or "a store in memory")
    else:
        log, read_models = _open_files(log_path(url_or_path), declared, timezone, strict_ids)
    vault = open_vault(url_or_path, log, vault_key, keeps_names=policy.names)
    policy = _with_declared(policy, tuple(read_models.declarations.values()))
    fold = Fold(tuple(read_models.declarations.values()), calendar)
    runner = Runner(log, read_models, fold, clock=clock)
    address = absolute(url_or_path)
    watch = Watch(tuple(read_models.declarations.values()), strict)
    return Store(
        log=log,
        read_models=read_models,
        calendar=calendar,
        fold=fold,
        runner=runner,
        recorder=Recorder(log, Door(clock, policy, vault.pseudonym, zone=calendar.zone, watch=watch), runner.wake),
        replay_source=LogSource(log, (open_log, (address, schema)) if address else None),
        vault=vault,
        policy=policy,
        clock=clock,
    )


def _with_declared(policy: PrivacyPolicy, declarations: Sequence[Declaration]) -> PrivacyPolicy:
    """Return a policy that keeps the tags that are declared, and your own fields that projections read."""
    tags = [f"{TAG}{tag}" for declaration in declarations for tag in declaration.tags]
    read = [field for declaration in declarations for field in own_fields(declaration)]
    return policy.keeping(tags, read)


def _open_files(
    path: Path | None, declared: Declared, timezone: str, strict_ids: StrictIds
) -> tuple[EventLog, ReadModels]:
    place = read_models_path(path) if path else None
    if path and place:
        SQLiteLog.check(path)
        SQLiteReadModels.check(place)
    log = SQLiteLog(path, strict_ids=strict_ids)
    return log, _ready(
        log, lambda: SQLiteReadModels(place, declared(log), log=log.identity, timezone=timezone, seeds=Seeds(log))
    )


def _open_schema(
    url: str, schema: str, declared: Declared, timezone: str, strict_ids: StrictIds, durability: Durability
) -> tuple[EventLog, ReadModels]:
    postgres = _postgres()
    from analytics_es.read_models.postgres import PostgresReadModels

    database = postgres.Database(url, schema)
    try:
        log = database.again(lambda: postgres.PostgresLog(database, strict_ids=strict_ids, durability=durability))
    except BaseException:
        database.close()
        raise
    return log, _ready(
        log,
        lambda: database.again(
            lambda: PostgresReadModels(database, declared(log), log=log.identity, timezone=timezone, seeds=Seeds(log))
        ),
    )


def _ready(log: EventLog, opened: Callable[[], ReadModels]) -> ReadModels:
    """Open read models and bring them in line with their log, which is closed where that fails."""
    try:
        read_models = opened()
        read_models.restart_beyond(log.head)
        beside.settle(read_models)
        beside.tidy(read_models)
    except BaseException:
        log.close()
        raise
    return read_models


def open_log(url_or_path: str | Path, schema: str = SCHEMA) -> EventLog:
    """Open the log of a store that is there, and nothing else; raises CannotOpen."""
    if not on_server(url_or_path):
        return SQLiteLog(log_path(url_or_path))
    postgres = _postgres()
    log: EventLog = postgres.PostgresLog(postgres.Database(str(url_or_path), schema))
    return log


def open_vault(url_or_path: str | Path, log: EventLog, key: Path | None = None, *, keeps_names: bool = False) -> Vault:
    """Return the vault of a store that is open; its file and, unless given, its key are made when they are needed.

    `key` is the file of its key. In PostgreSQL the vault is in the log's schema, and its key is never beside it.
    """
    if on_server(url_or_path):
        entries = _postgres().PostgresEntries(log.database)  # type: ignore[attr-defined]  # it is a PostgresLog
        return Vault(lambda _: entries, key_of(key, None, entries.place), keeps_names=keeps_names)
    path = log_path(url_or_path)
    if path is None:
        secret = secrets.token_bytes(KEY_BYTES)
        return Vault(lambda _: SQLiteEntries(None), lambda _: secret, keeps_names=keeps_names)
    file = vault_path(path)
    return Vault(
        lambda make: SQLiteEntries(file) if make or file.exists() else None,
        key_of(key, file.with_suffix(".key"), file),
        keeps_names=keeps_names,
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


# ── addresses ───────────────────────────────────────────────────────────────────────────────────────────────────


def exists(url_or_path: str | Path, *, schema: str = SCHEMA) -> bool:
    """Say whether there is a store; raises CannotOpen where that cannot be found out."""
    if on_server(url_or_path):
        postgres = _postgres()
        with closing(postgres.Database(str(url_or_path), schema)) as database:
            return bool(postgres.migrations.version(database))
    path = log_path(url_or_path)
    return path is not None and path.is_file() and path.stat().st_size > 0


def on_server(url_or_path: str | Path) -> bool:
    """Say whether a store is in a PostgreSQL database."""
    return str(url_or_path).startswith(SCHEMES)


def absolute(url_or_path: str | Path) -> str | None:
    """Return an address that means the same to other processes, None for memory, which is nobody else's."""
    if on_server(url_or_path):
        return str(url_or_path)
    path = log_path(url_or_path)
    return str(path.absolute()) if path else None


def log_path(url_or_path: str | Path) -> Path | None:
    """Return the log's file of a path or URL, None for a private store in memory; raises UnknownScheme."""
    text = str(url_or_path)
    if text in (":memory:", "sqlite://", "sqlite:///:memory:"):
        return None
    scheme, separator, rest = text.partition("://")
    if not separator:
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
