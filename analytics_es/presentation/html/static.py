"""Static files of pages, such as their style: each is served under a name that holds a hash of what is in it."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "static"
DIGITS = 12  # of a hash in a name: two files of a name never meet in a cache


def names() -> list[str]:
    """Return the names of all files, such as page.css."""
    return sorted(path.name for path in FOLDER.iterdir() if path.suffix in (".css", ".js", ".svg"))


@cache
def text(name: str) -> str:
    """Return what is in a file, as a page that is a file of its own holds it."""
    return (FOLDER / name).read_text(encoding="utf-8")


@cache
def hashed(name: str) -> str:
    """Return the name that a file is served under: page.css is page-0123456789ab.css, and another one if it changes."""
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}-{sha256(text(name).encode()).hexdigest()[:DIGITS]}{dot}{suffix}"


def address(name: str, root: str = "") -> str:
    """Return where a file is served, below the place where the app is mounted."""
    return f"{root}/static/{hashed(name)}"
