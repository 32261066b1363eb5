"""The zone that this machine is in: people ask by their own days."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from analytics_es.projection.calendar import Calendar

LINK, NAME = Path("/etc/localtime"), Path("/etc/timezone")
FOLDER = "zoneinfo/"  # what comes after it in a path is the name of a zone


def machine_zone(environment: Mapping[str, str] = os.environ, *, link: Path = LINK, file: Path = NAME) -> str:
    """Return the zone of the variable TZ, else the one the system is in; UTC where neither names one."""
    for candidate in _candidates(environment, link, file):
        try:
            name = str(Calendar(candidate).zone)
        except ValueError:
            continue
        return "UTC" if name == "Etc/UTC" else name
    return "UTC"


def _candidates(environment: Mapping[str, str], link: Path, file: Path) -> Iterator[str]:
    if "TZ" in environment:
        yield environment["TZ"].removeprefix(":").rpartition(FOLDER)[2]
        return  # it is said, whatever the system says
    with suppress(OSError):
        yield str(link.readlink()).rpartition(FOLDER)[2]
    with suppress(OSError, ValueError):
        yield file.read_text("utf-8").strip()
