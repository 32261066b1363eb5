"""The token of the HTTP door, as commands get it: from a file or a variable, never from an argument."""

from __future__ import annotations

import os
from pathlib import Path

from analytics_es.errors import CannotRead

TOKEN = "ANALYTICS_ES_TOKEN"  # noqa: S105  # the name of a variable
LONGEST = 64 * 1024  # characters of a file that holds a token


def token_of(file: Path | None) -> str | None:
    """Return the token that a file holds, without a file that of the variable; raises CannotRead."""
    if file is None:
        return os.environ.get(TOKEN)
    try:
        with file.open(encoding="utf-8") as opened_file:
            return opened_file.read(LONGEST).strip()
    except OSError as error:
        raise CannotRead(path=file, problem=error.strerror) from error
    except ValueError:
        raise CannotRead(path=file, problem="it is no text in UTF-8") from None
