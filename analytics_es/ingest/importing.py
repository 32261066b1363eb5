"""Rows of files → the log: a row without an id is known by what it says; in an older log, by where it stood."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from attrs import define, field

from analytics_es.errors import BadArgument, NoVaultKey
from analytics_es.events.event import time_of
from analytics_es.ingest.chunks import CHUNK_BYTES
from analytics_es.ingest.former_rows import FormerRows
from analytics_es.ingest.otel.shapes import SOURCE as SPANS
from analytics_es.ingest.privacy import PrivacyPolicy
from analytics_es.ingest.recorder import BATCH, Recorder
from analytics_es.ingest.tally import OnDuplicate, OnRefused, TakeOver, skip_own
from analytics_es.ingest.unread import Seen, listed
from analytics_es.ingest.vault import Vault
from analytics_es.log import ROWS_BY_PLACE, Appended, Entry
from analytics_es.process import Later
from analytics_es.types import BatchReceipt, UnreadField
from analytics_es.types.arguments import naming_arguments
from analytics_es.types.values import shown

if TYPE_CHECKING:
    from analytics_es.ingest.files import ImportedRow
    from analytics_es.ingest.otel import recalled
else:
    recalled = Later("analytics_es.ingest.otel.recalled")  # most files hold no spans

ROWS = "rows"  # noted in the log: whose key the ids of rows are made with
OF_VAULT, OF_LOG = "vault", "log"
FULL = PrivacyPolicy.of("full")


class Pausing(Iterator[Mapping[str, Any]]):
    """Events of rows, which stop as if they were all where a batch is long enough, and go on when asked again."""

    def __init__(self, events: Iterator[tuple[Mapping[str, Any], int]]) -> None:
        self._events, self._size = events, 0

    def __next__(self) -> Mapping[str, Any]:
        if self._size > CHUNK_BYTES:
            self._size = 0
            raise StopIteration
        event, size = next(self._events)
        self._size += size
        return event


@define
class Importer:
    """Records rows of files; what it has known again once, it knows as long as it is used: one for each import.

    The id of a row that has none is a keyed hash of what the row says: who has the log alone cannot try names against
    it. The key is the vault's, so that a store which keeps names, or has no vault, makes do with the log's identity.
    """

    _recorder: Recorder
    _vault: Vault
    _take_over: TakeOver = skip_own
    _former: FormerRows | None = field(init=False)
    _ends: dict[str, int] | None = field(init=False, default=None)  # of the last spans, in Unix microseconds
    _before: Seen = field(init=False)  # what was read by nothing before it began
    _waiting: dict[int, str] = field(init=False, factory=dict)  # rows without an id: index → the id of before

    @_former.default
    def _of_before(self) -> FormerRows | None:
        upto = self._recorder.log.noted_number(ROWS_BY_PLACE)
        return FormerRows(self._recorder.log, upto) if upto else None

    @_before.default
    def _seen_before(self) -> Seen:
        return self._recorder.door.watch.seen() if self._recorder.door.watch else {}

    def unread(self) -> list[UnreadField]:
        """Return what nothing reads of what it recorded, or found to be there, by type and field."""
        watch = self._recorder.door.watch
        return listed(watch.seen(), self._before) if watch else []

    @naming_arguments
    def record(
        self,
        rows: Iterable[ImportedRow],
        *,
        on_refused: OnRefused | None = None,
        on_duplicate: OnDuplicate | None = None,
    ) -> BatchReceipt:
        """Record the events of rows, one commit for each thousand; raises the error of a row that has no event.

        What the door refuses is counted and told, and the rest recorded, as what was there before is. What another
        store had to say itself is skipped and counted by type, or taken over.
        """
        key, notes = self._key()
        self._waiting.clear()
        return self._recorder.record_all(
            Pausing(self._events(rows, key)),
            batch=BATCH,
            skip_refused=True,
            on_refused=on_refused,
            on_duplicate=on_duplicate,
            take_over=self._take_over,
            recognise=self._recognise if self._former else None,
            notes=notes,
        )

    def _events(self, rows: Iterable[ImportedRow], key: bytes) -> Iterator[tuple[Mapping[str, Any], int]]:
        """Yield the event of each row, and how long the row is."""
        last = None
        for index, row in enumerate(row for row in rows if not getattr(row, "ignored", "")):
            if not hasattr(row, "formerly"):
                raise BadArgument(
                    name="rows", expected="rows as analytics_es.ingest.files.rows gives them", value=shown(row)
                )
            if row.event is None:
                raise row.error or ValueError(f"row {row.row} has no event")
            size = 0 if row.raw is last else len(row.raw or "")  # several events of one row share its text
            last = row.raw
            if row.formerly is None and not row.keyed:
                yield self._as_it_ended(row.event), size
            else:
                if row.formerly is not None:
                    self._waiting[index] = row.formerly
                digest = blake2b(row.event["id"].encode(), key=key, digest_size=12)
                yield {**row.event, "id": f"row:{digest.hexdigest()}"}, size

    def _as_it_ended(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the event of a span with the end that one of the last spans of the log had, where it is the same."""
        if event.get("source") != SPANS:
            return event
        if self._ends is None:
            self._ends = {node.key: node.ends for node in recalled.recalled(self._recorder.log) if node.ends}
        ended = self._ends.get(":".join(str(event.get("id")).split(":")[:2]))
        return {**event, "occurred_at": time_of(ended)} if ended else event

    def _recognise(self, admitted: Sequence[tuple[int, Entry]]) -> Mapping[int, Appended]:
        """Find what is there under the identity that a row had until 0.1."""
        rows = [(index, entry, self._waiting[index]) for index, entry in admitted if index in self._waiting]
        self._waiting.clear()
        return self._former.find(rows) if self._former else {}

    def _key(self) -> tuple[bytes, dict[str, str]]:
        """Return the key of the ids of rows, with what is to be noted of it: it is the same for ever."""
        log = self._recorder.log
        noted = log.noted(ROWS)
        if noted != OF_LOG and (noted or self._recorder.door.policy != FULL):
            try:
                return self._vault.key_for(ROWS), {} if noted else {ROWS: OF_VAULT}
            except NoVaultKey:
                if noted:
                    raise
        return log.identity.encode(), {} if noted else {ROWS: OF_LOG}
