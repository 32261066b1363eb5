"""Addresses of stores: how much of them may be shown, which file they mean, and which files are beside that."""

from __future__ import annotations

import os
import re
import urllib.parse
from pathlib import Path

from analytics_es.errors import UnknownScheme

SCHEMES = ("postgresql://", "postgres://")
FILE = "file:"
VIEWS, VAULT = "views", "vault"
LOCAL = ("", "localhost")


def redacted(address: object) -> str:
    """Return a path or URL without its passwords."""
    text = re.sub(r"([?&](?:password|sslpassword)=)[^&]*", r"\1***", str(address))
    return re.sub(r"(://[^/@:]*):.*@", r"\1:***@", text)


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
    if text.startswith(FILE) and not os.path.lexists(text):  # a file may be called like this
        path = _of_file_url(text)
        if path is None:
            raise UnknownScheme(url=redacted(text))
        return path
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
    return neighbour(log, VIEWS)


def vault_path(log: Path) -> Path:
    """Return the file of the vault beside a log: `analytics.db` has `analytics.vault.db`."""
    return neighbour(log, VAULT)


def _of_file_url(url: str) -> Path | None:
    """Return the path of a `file:` URL, None of one that says more, or nothing, or whose file is on another host."""
    split = urllib.parse.urlsplit(url)
    text = urllib.parse.unquote(split.path)
    if split.query or split.fragment or split.netloc not in LOCAL or not text or text.endswith("/") or "\0" in text:
        return None
    return Path(text)


def neighbour(log: Path, word: str) -> Path:
    """Return a file beside a log: of `analytics.db` it is `analytics.views.db`.

    It is the same by whichever path the log is reached: beside the file, not beside a link to it.
    """
    return _named(Path(os.path.realpath(log)), word)


def beside_link(link: Path, word: str) -> Path | None:
    """Return a file beside a link to a log, where versions before looked for it; None where it is the log's own."""
    beside = _named(link.absolute(), word)
    is_own = os.path.realpath(beside) == os.path.realpath(neighbour(link, word))
    return beside if beside.exists() and not is_own else None


def _named(path: Path, word: str) -> Path:
    return path.with_name(f"{path.stem}.{word}{path.suffix}")
