"""The storm for longer: `python -m tests.faults.soak --processes`."""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.storm import Survived, storm
from tests.faults.test_processes import assert_derivable


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--processes", action="store_true", help="kill writers and runners at random moments")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--kills", type=int, default=80)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    asked = parser.parse_args()
    if not asked.processes:
        parser.error("say what to do: --processes")
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/analytics.db"
        left = storm(url, Path(folder), seconds=asked.seconds, kills=asked.kills, seed=asked.seed)
        assert_derivable(url)
    print(told(left))
    sys.exit(bool(left.lost or left.doubled or left.counted != left.logged))


def told(left: Survived) -> str:
    return (
        f"{left.kills} kills: {left.acknowledged:,} events acknowledged, {left.sent_again:,} sent again, "
        f"{left.logged:,} in the log, {left.counted:,} counted, {len(left.lost)} lost, {len(left.doubled)} doubled"
    )


if __name__ == "__main__":
    main()
