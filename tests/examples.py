"""How many examples a law is tried with: few in every run, EXAMPLES times as many in the soak."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings

TIMES = int(os.environ.get("EXAMPLES", "1"))


def examples(number: int, **options: Any) -> settings:
    """Return settings of so many examples in a usual run; what else they say is Hypothesis's."""
    return settings(max_examples=number * TIMES, **options)
