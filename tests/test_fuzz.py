"""Bodies changed by chance, a small number of those that `make fuzz` tries: none of them is more than a refusal."""

from __future__ import annotations

import itertools

import pytest

from tests.fuzz import otlp_target
from tests.fuzz.requests import ROUTES, SEEDS, changed, route_of


@pytest.mark.parametrize("seed", range(3))
def test_bodies_that_were_changed_by_chance_are_read_or_refused(seed: int) -> None:
    for body in itertools.islice(changed(SEEDS, seed), 1_000):
        otlp_target.target(body)


def test_the_app_answers_whatever_is_sent_with_a_documented_status() -> None:
    from tests.fuzz import http_target

    for body in itertools.islice(changed(SEEDS, 1), 200):
        http_target.target(body)


def test_every_route_has_a_body_to_begin_with() -> None:
    assert {(route.path, route.media_type) for route in map(route_of, SEEDS)} == {route[:2] for route in ROUTES}


def test_the_same_seed_gives_the_same_bodies() -> None:
    first, second = (list(itertools.islice(changed(SEEDS, 5), 50)) for _ in range(2))

    assert first == second
