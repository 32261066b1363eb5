"""Files of prices, TOML or JSON, as entries to publish."""

from __future__ import annotations

import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from analytics_es.cost.prices.entries import PriceEntry
from analytics_es.cost.prices.reading import read_entry
from analytics_es.errors import BadPrice, CannotRead

MAX_BYTES = 16 * 2**20
TABLE = "price"


def read_prices(path: Path) -> list[PriceEntry]:
    """Read a file of prices: [[price]] tables of TOML, or a list in JSON; raises CannotRead, BadPrice.

    Numbers are read as they are written, never as floats.
    """
    try:
        document = _parsed(path, _text(path))
    except OSError as error:
        raise CannotRead(path=path, problem=error.strerror) from error
    except (ValueError, RecursionError) as error:
        problem = " ".join(str(error).split())[:200]
        raise BadPrice(where=path, problem=f"it is not valid {_language(path)} ({problem})") from error
    entries = document.pop(TABLE, None) if isinstance(document, dict) else document
    if isinstance(document, dict) and document:
        raise BadPrice(where=path, problem=f"{min(document)!r} is not known: only [[{TABLE}]] tables are")
    if not isinstance(entries, list) or not entries:
        raise BadPrice(where=path, problem=f"there is no [[{TABLE}]] table in it")
    return [read_entry(entry, where=f"{path}, price {number}") for number, entry in enumerate(entries, 1)]


def _text(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise CannotRead(path=path, problem="it is not a file")
    with path.open("rb") as file:
        text = file.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise CannotRead(path=path, problem=f"it is longer than {MAX_BYTES} bytes")
    return text.decode()


def _language(path: Path) -> str:
    return "JSON" if path.suffix.lower() == ".json" else "TOML"


def _parsed(path: Path, text: str) -> Any:
    if _language(path) == "JSON":
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    return tomllib.loads(text, parse_float=Decimal)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")
