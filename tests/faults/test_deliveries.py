"""Consumers of a message bus killed at any moment: every message is in the log exactly once."""

from __future__ import annotations

import os
import random
from pathlib import Path

from tests.faults.deliveries import deliver
from tests.nats_servers import NatsServer

MESSAGES, KILLS = 10_000, 4


def test_every_message_is_in_the_log_once_however_often_its_consumer_is_killed(
    tmp_path: Path, nats: NatsServer
) -> None:
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(2**32))

    left = deliver(f"sqlite:///{tmp_path}/analytics.db", nats, messages=MESSAGES, kills=KILLS, seed=seed)

    assert (left.lost, left.doubled, left.rejected) == (0, 0, MESSAGES // 50), left
    assert left.interrupted > 0, left
