"""The vault: which pseudonym is whose, found through a keyed hash of the name; names are kept only where told to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from analytics_es.errors import BadVaultKey, NoVaultKey, OtherVaultKey
from analytics_es.ingest import names
from analytics_es.ingest.privacy import PrivacyPolicy
from analytics_es.log.pseudonyms import Entries, NamedEntry
from analytics_es.types import Names, SubjectName

logger = logging.getLogger("analytics_es")

KEY_VARIABLE = "ANALYTICS_ES_VAULT_KEY"
KEY_BYTES = 32
REMEMBERED = 50_000  # subjects in memory
LOOK_SECONDS = 1.0  # so long may another process go on with a pseudonym that was destroyed
OTHERS_MAY = 0o027  # of a key file: read by everybody, written by anybody else

PART = ".part"  # at the end of the name of a key that is being made
_OF_BEFORE = re.compile(r"\.[0-9a-f]{16}\.part")  # as versions before called it
_PSEUDONYM = re.compile(r"p_[A-Za-z0-9_-]{16}")


class Vault:
    """Finds and makes pseudonyms; safe to use from several threads, and beside other processes."""

    def __init__(
        self, opening: Callable[[bool], Entries | None], key: Callable[[bool], bytes], *, keeps_names: bool = False
    ) -> None:
        """Take what opens its entries, told whether to make them where there are none, and what reads its key.

        With `keeps_names`, the name of every subject that comes is sealed into its entry; raises MissingExtra.
        """
        if keeps_names:
            names.cipher(bytes(KEY_BYTES))
        self._opening, self._read_key, self.keeps_names = opening, key, keeps_names
        self._opened: Entries | None = None
        self._key: bytes | None = None
        self._lock = threading.Lock()
        self._remembered: dict[tuple[str, str], str] = {}
        self._generation = -1
        self._look_at = 0.0

    def go_by(self, policy: PrivacyPolicy) -> None:
        """Keep names where a policy says so that was taken over: what that needs is asked for with the first name."""
        self.keeps_names = policy.names

    def pseudonym(self, kind: str, value: str) -> str:
        """Return a subject's pseudonym, made where it has none; raises NoVaultKey, BadVaultKey, OtherVaultKey."""
        if time.monotonic() >= self._look_at:
            self._look()
        return self._remembered.get((kind, value)) or self._learn(kind, value)

    def _look(self) -> None:
        """Let go of what is remembered where an entry was destroyed by another process."""
        with self._lock:
            generation = self._entries().generation()
            if generation != self._generation:
                self._remembered.clear()
                self._generation = generation
            self._look_at = time.monotonic() + LOOK_SECONDS

    def _learn(self, kind: str, value: str) -> str:
        with self._lock:
            digest = self._digest(kind, value, new=True)
            entries = self._entries()
            pseudonym = entries.find(digest) or self._added(entries, digest, value)
            if self.keeps_names and not entries.named(digest):
                entries.name(digest, self._sealed(value, digest, pseudonym))
            if len(self._remembered) >= REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[kind, value] = pseudonym
            return pseudonym

    def _added(self, entries: Entries, digest: bytes, value: str) -> str:
        pseudonym = f"p_{secrets.token_urlsafe(12)}"
        return entries.add(digest, pseudonym, self._sealed(value, digest, pseudonym) if self.keeps_names else None)

    def _sealed(self, value: str, digest: bytes, pseudonym: str) -> bytes:
        return names.seal(self._derived(names.PURPOSE), value, digest, pseudonym)

    def names_of(self, pseudonyms: Iterable[str]) -> Names:
        """Say who is behind pseudonyms; raises as `find`, MissingExtra, and DamagedName where a name was changed."""
        wanted = list(dict.fromkeys(pseudonyms))
        with self._lock:
            entries = self._existing() if wanted else None
            there = {entry.pseudonym: entry for entry in entries.of(wanted)} if entries else {}
            self._key = self._key or (self._checked_key(new=False) if entries else None)
            subjects = [self._subject(pseudonym, there.get(pseudonym)) for pseudonym in wanted]
        return Names(subjects=subjects, kept=self.keeps_names)

    def _subject(self, pseudonym: str, entry: NamedEntry | None) -> SubjectName:
        if entry is None:
            return SubjectName(pseudonym=pseudonym, name=None, state="unknown")
        if entry.name is None:
            return SubjectName(pseudonym=pseudonym, name=None, state="unnamed")
        name = names.unseal(self._derived(names.PURPOSE), entry.name, entry.digest, pseudonym)
        return SubjectName(pseudonym=pseudonym, name=name, state="named")

    def forget_names(self) -> int:
        """Destroy all names that are kept, not the pseudonyms; says how many there were."""
        with self._lock:
            entries = self._existing()
            destroyed = entries.unname() if entries else 0
            for remains in entries.scrub() if entries and destroyed else ():
                logger.warning("destroyed names, encrypted, may still be in %s", remains)
            return destroyed

    def _entries(self) -> Entries:
        """Return the entries, which are made where there are none."""
        entries = self._opened = self._opened or self._opening(True)
        assert entries  # noqa: S101  # it was told to make them
        return entries

    def _existing(self) -> Entries | None:
        """Return the entries, None where nobody has a pseudonym yet."""
        self._opened = self._opened or self._opening(False)
        return self._opened if self._opened and self._opened.check_value() else None

    def key_for(self, purpose: str) -> bytes:
        """Return a key for something else that must not be guessed; raises as `pseudonym`."""
        with self._lock:
            self._key = self._key or self._checked_key(new=True)
            return self._derived(purpose)

    def _derived(self, purpose: str) -> bytes:
        return hashlib.blake2b(purpose.encode(), key=self._key or b"", digest_size=KEY_BYTES).digest()

    def find(self, kind: str, value: str) -> str | None:
        """Return the pseudonym of a subject, None where it has none; nothing is made."""
        with self._lock:
            entries = self._existing()
            return entries.find(self._digest(kind, value)) if entries else None

    def known_as(self, kind: str, value: str) -> str:
        """Return the pseudonym of a subject, or what was given: a pseudonym, or a name that has none.

        What looks like a pseudonym is one, unless it is known as a name and nobody has it as a pseudonym. Who has only
        pseudonyms, and no key to look names up with, asks by them.
        """
        if not is_pseudonym(value):
            return self.find(kind, value) or value
        with suppress(NoVaultKey, BadVaultKey, OtherVaultKey):
            if (pseudonym := self.find(kind, value)) and not self.holds(value):
                return pseudonym
        return value

    def holds(self, pseudonym: str) -> bool:
        """Say whether a text is a pseudonym of somebody; its key is not needed for that."""
        with self._lock:
            entries = self._existing()
            return bool(entries and entries.of([pseudonym]))

    def destroy(self, kind: str, value: str) -> bool:
        """Destroy what ties a subject to its pseudonym; False where nothing did."""
        with self._lock:
            self._remembered.clear()
            entries = self._existing()
            return entries.destroy(self._digest(kind, value)) if entries else False

    def scrub(self) -> list[str]:
        """Overwrite what was destroyed; says in words what of it remains somewhere."""
        with self._lock:
            entries = self._existing()
            return entries.scrub() if entries else []

    def _digest(self, kind: str, value: str, *, new: bool = False) -> bytes:
        key = self._key = self._key or self._checked_key(new)
        name = f"{kind}\0{value}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(name, key=key, digest_size=32).digest()

    def _checked_key(self, new: bool) -> bytes:
        """Return the key the vault was made with, or, where it is `new`, whichever is given or made."""
        entries = self._entries()
        stored = entries.check_value()
        key = self._read_key(new and stored is None)
        mine = hashlib.blake2b(b"the key of this vault", key=key, digest_size=16).hexdigest()
        if stored is None and new:
            stored = entries.check_value(mine)
        if not hmac.compare_digest(stored or "", mine):
            raise OtherVaultKey(place=entries.place)
        return key

    def close(self) -> None:
        """Close the vault."""
        self._remembered.clear()
        if self._opened:
            self._opened.close()


def is_pseudonym(value: str) -> bool:
    """Say whether a text has the form of a pseudonym."""
    return _PSEUDONYM.fullmatch(value) is not None


# ── the key ─────────────────────────────────────────────────────────────────────────────────────────────────────


def key_of(file: Path | None, beside: Path | None, place: object) -> Callable[[bool], bytes]:
    """Return what reads a vault's key, when it is needed: from a file given, the environment, or a file beside it.

    Told to, it makes the file beside the vault where there is none. Raises NoVaultKey and BadVaultKey.
    """

    def read(make: bool) -> bytes:
        if file is None and (text := os.environ.get(KEY_VARIABLE)):
            return _key(text, KEY_VARIABLE)
        path = file or beside
        if path is None:
            raise NoVaultKey(place=place, problem="none was given")
        if make and file is None and not path.exists():
            _make(path)
        if file is None:
            _tidy(path)
        return _key(_private_text(path, place), path)

    return read


def _private_text(path: Path, place: object) -> str:
    try:
        if path.stat().st_mode & OTHERS_MAY:
            raise BadVaultKey(place=path, problem="others may read or write it; chmod 600 it")
        return path.read_text("ascii")
    except FileNotFoundError:
        raise NoVaultKey(place=place, problem=f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        raise BadVaultKey(place=path, problem=getattr(error, "strerror", None) or "it is not a text") from None


def _key(text: str, place: object) -> bytes:
    key = _bytes(text.strip())
    if key is None or len(key) < KEY_BYTES:
        raise BadVaultKey(place=place, problem=f"it must be {KEY_BYTES} bytes or more, as hex or base64")
    return hashlib.blake2b(key).digest()


def _bytes(text: str) -> bytes | None:
    with suppress(ValueError):
        return bytes.fromhex(text)
    with suppress(ValueError):
        return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    return None


def _make(path: Path) -> None:
    """Make a key, which appears complete or not at all; another process may be faster."""
    unfinished = path.with_name(f"{_beginning(path)}{secrets.token_hex(8)}{PART}")
    try:
        with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(f"{secrets.token_hex(KEY_BYTES)}\n")
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(unfinished)
    except OSError as error:
        if not path.exists():
            raise BadVaultKey(place=path, problem=error.strerror) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _beginning(path: Path) -> str:
    return f".{path.name}-"


def _tidy(path: Path) -> None:
    """Remove what who was killed while making the key has left: what is not the key now never will be."""
    with suppress(OSError):
        for other in path.parent.iterdir() if path.exists() else ():
            is_ours = other.name.startswith(_beginning(path)) and other.name.endswith(PART)
            if is_ours or (_OF_BEFORE.fullmatch(other.name) and other.samefile(path)):
                other.unlink(missing_ok=True)
