"""What takes longer than a test may: `python -m tests.faults.soak --processes --million`."""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from analytics_es import AnalyticsService
from tests.faults.storm import Survived, storm
from tests.faults.test_clocks import assert_exact
from tests.faults.test_processes import assert_derivable


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--processes", action="store_true", help="kill writers and runners at random moments")
    parser.add_argument("--million", action="store_true", help="record a million events of one key")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--kills", type=int, default=80)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    asked = parser.parse_args()
    if not asked.processes and not asked.million:
        parser.error("say what to do: --processes, --million")
    if asked.million:
        with TemporaryDirectory() as folder, AnalyticsService.open(f"{folder}/analytics.db", follow=False) as service:
            assert_exact(service, 1_000_000)
        print("a million events of one key: exact")
    if asked.processes:
        left = killing(asked.seconds, asked.kills, asked.seed)
        print(told(left))
        sys.exit(bool(left.lost or left.doubled or left.counted != left.logged))


def killing(seconds: float, kills: int, seed: int) -> Survived:
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/analytics.db"
        left = storm(url, Path(folder), seconds=seconds, kills=kills, seed=seed)
        assert_derivable(url)
    return left


def told(left: Survived) -> str:
    return (
        f"{left.kills} kills: {left.acknowledged:,} events acknowledged, {left.sent_again:,} sent again, "
        f"{left.logged:,} in the log, {left.counted:,} counted, {len(left.lost)} lost, {len(left.doubled)} doubled"
    )


if __name__ == "__main__":
    main()
