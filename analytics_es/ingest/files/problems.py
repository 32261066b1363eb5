"""Whatever goes wrong while a file is read is one error: CannotRead."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from analytics_es.errors import CannotRead
from analytics_es.ingest.problems import in_one_line
from analytics_es.process import Later
from analytics_es.projection import engine

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = Later("pyarrow")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn any failure to read a file into CannotRead."""
    try:
        yield
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise CannotRead(path=path, problem=in_one_line(error)) from error
    except Exception as error:
        # Named apart: naming them imports both, which whoever stops reading in the middle has no use for.
        if not isinstance(error, (pa.ArrowException, engine.EngineError)):
            raise
        raise CannotRead(path=path, problem=in_one_line(error)) from error
