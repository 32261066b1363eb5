"""What an application imports of the package itself: every name is in the docs."""

from __future__ import annotations

from pathlib import Path

import analytics_es

DOCS = (Path(__file__).parents[2] / "docs" / "concepts.md").read_text()


def test_every_name_of_the_package_is_documented_and_there() -> None:
    (row,) = [line for line in DOCS.splitlines() if line.startswith("| `analytics_es` |")]

    assert [name for name in analytics_es.__all__ if f"`{name}`" not in row] == []
    assert [name for name in analytics_es.__all__ if not hasattr(analytics_es, name)] == []
