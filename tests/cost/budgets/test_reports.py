"""Reports: what is asked for together, and kept for the SQL view, is what asking for each by itself says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st

from analytics_es.cost.budgets import together
from analytics_es.projections import Budgets, Cost
from analytics_es.queries import QuestionContext
from tests.cost.budgets.test_looks import ALL, ALLOCATED, CALLS, MONTHS, PRICES, SPENT, Step, call, numbered, play
from tests.cost.budgets.test_looks import record as recorded
from tests.examples import examples
from tests.stores import opened

pytestmark = pytest.mark.usefixtures("full_privacy")


@examples(6, phases=[Phase.reuse, Phase.generate])
@given(st.lists(ALLOCATED | ALLOCATED | CALLS | CALLS | SPENT | PRICES, min_size=6, max_size=16))
def test_budgets_of_one_period_are_what_each_is_by_itself(steps: list[Step]) -> None:
    with opened(projections=[Budgets, Cost], privacy="full", clock=lambda: MONTHS[3]) as service:
        play(service, [numbered(number, step) for number, step in enumerate(steps)], every_one=False)
        for at in (None, *MONTHS):
            answer = service.get_budgets(at=at).unwrap()
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(together, "SEVERAL", 2**62)
                assert service.get_budgets(at=at).unwrap() == answer


def test_they_are_asked_for_in_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    answer = QuestionContext.answer

    def counted(self: Any, *about: Any, **how: Any) -> Any:
        asked.append(about)
        return answer(self, *about, **how)

    with opened(projections=[Budgets, Cost], privacy="full", clock=lambda: MONTHS[2]) as analytics:
        recorded(analytics, *ALL, *(call(2, tenant_id=name, cost="2") for name in ("acme", "birch")))
        monkeypatch.setattr(QuestionContext, "answer", counted)
        report = analytics.get_budgets().unwrap()

    assert [budget.spent for budget in report.budgets] == [2, 2]
    assert len(asked) == 1
