"""What read models tell the SQL views of them: what is live, and which rows have changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from attrs import field, frozen

from analytics_es.log import Horizon
from analytics_es.log.database import Cursor
from analytics_es.projection.declaration import Declaration
from analytics_es.read_models import registry
from analytics_es.read_models.registry import FORGET_ABOUT, WRITE_ABOUT
from analytics_es.read_models.snapshot import HORIZON, SELECT_ABOUT
from analytics_es.read_models.views import budgets, priced, upkeep
from analytics_es.read_models.views.changed import Changed, Whose
from analytics_es.read_models.views.dialects import Dialect
from analytics_es.read_models.views.joining import RowPrices
from analytics_es.read_models.views.priced import Mark
from analytics_es.read_models.views.statements import View
from analytics_es.read_models.views.upkeep import Attempting

Stretch = tuple[int, int]  # epoch seconds [start, end)
PRICED = "priced read model"  # whose costs are priced
BASIS = "priced by"  # which prices, and what was kept of the events then


@frozen(kw_only=True)
class ToPrice:
    """What is to be priced of the live read model, by which prices the rest is, and what is kept of events."""

    declaration: Declaration
    marks: Sequence[Mark]
    basis: str | None
    horizon: Horizon

    def kept(self, grain: str) -> int:
        """Return from when on (seconds) buckets are kept."""
        return self.horizon.hours if grain == "hour" else self.horizon.days


@frozen(kw_only=True)
class BudgetsToShow:
    """What budgets are to be shown for, what they are shown for, and which prices there are."""

    state: str
    shown: str | None
    prices: str | None


@frozen
class Shown:
    """The SQL views of the read models of one log; without a dialect there are none."""

    dialect: Dialect | None
    log: str
    changed: Changed = field(factory=Changed, eq=False)

    def create(self, cursor: Cursor) -> None:
        """Make room for what the views are read from beside the read models."""
        if self.dialect:
            for statement in (*priced.tables(self.dialect), *upkeep.tables(self.dialect)):
                cursor.execute(statement)

    def is_there(self, about: Mapping[str, str]) -> bool:
        """Say whether there is room."""
        return upkeep.VIEWS in about

    def is_behind(self, cursor: Cursor, *, also_changed: bool = False) -> bool:
        """Say whether views are to be made; `also_changed`: or somebody has changed them."""
        if self.dialect is None:
            return False
        about = _about(cursor)
        if not also_changed:
            return upkeep.BEHIND in about
        return upkeep.is_behind(cursor, self._live(cursor), about, self.dialect)

    def views(self, cursor: Cursor) -> list[View]:
        """Return the views that there are."""
        if self.dialect is None:
            return []
        return upkeep.made(cursor, self._live(cursor), _about(cursor), self.dialect)

    def _live(self, cursor: Cursor) -> list[Declaration]:
        return [model.declaration for model in registry.live(cursor).values() if model.log == self.log]

    def follow(self, cursor: Cursor, attempting: Attempting) -> None:
        """Let the views be of what is live, in the transaction that makes it so."""
        if not self.dialect:
            return
        live, about = self._live(cursor), _about(cursor)
        upkeep.follow(cursor, live, about, self.dialect, attempting)
        for declaration in filter(priced.is_priced, live):
            if about.get(PRICED) != declaration.table:
                priced.forget_others(cursor, declaration)
                priced.mark_all(cursor, declaration)
                cursor.execute(WRITE_ABOUT, (PRICED, declaration.table))

    def remove(self, cursor: Cursor) -> None:
        """Remove the views, and what was priced: the tables that they are of are about to go."""
        if self.dialect:
            upkeep.remove(cursor, _about(cursor), self.dialect)
            self.begin_again(cursor)
            cursor.execute(FORGET_ABOUT, (PRICED,))

    def begin_again(self, cursor: Cursor) -> None:
        """Forget what was priced."""
        if self.dialect:
            cursor.execute(priced.FORGET)
            budgets.forget(cursor)

    def forget(self, cursor: Cursor, table: str) -> None:
        """Forget what was to be priced of a table that goes."""
        if self.dialect:
            cursor.execute(priced.FORGET_MARKS, (table,))

    def to_price(self, cursor: Cursor) -> ToPrice | None:
        """Return what is to be priced, None where nothing is shown of costs."""
        model = registry.live(cursor).get(priced.COST) if self.dialect else None
        if model is None or model.log != self.log or not priced.is_priced(model.declaration):
            return None
        about = _about(cursor)
        return ToPrice(
            declaration=model.declaration,
            marks=priced.marks(cursor, model.declaration),
            basis=about.get(BASIS),
            horizon=Horizon.read(about.get(HORIZON)),
        )

    def price_again(self, cursor: Cursor, declaration: Declaration, stretches: Sequence[Stretch], basis: str) -> None:
        """Note by which prices costs are from now on, and that what is in these stretches is to be priced again."""
        for since, until in stretches:
            priced.mark_all(cursor, declaration, since, until)
        cursor.execute(WRITE_ABOUT, (BASIS, basis))

    def write(
        self,
        cursor: Cursor,
        declaration: Declaration,
        marks: Sequence[Mark],
        rows: Sequence[Sequence[Any]],
        prices: RowPrices | None,
        entities: Sequence[Whose] | None,
    ) -> None:
        """Put what was priced, and what has these prices, of these entities or all, in the place of what was.

        Raises StoreFailed where it is not sure what rows cost at these prices.
        """
        if self.dialect:
            cursor.execute(self.dialect.one_at_a_time)
            priced.write(cursor, self.dialect, declaration, marks, rows, prices, entities)

    def budgets_to_show(self, cursor: Cursor, names: Sequence[str], hour: int) -> BudgetsToShow | None:
        """Return what budgets are to be shown for: where these projections stand, which prices there are, which hour.

        None where they are shown for that already, or there are none.
        """
        live, about = registry.live(cursor), _about(cursor)
        models = [live[name] for name in names if name in live and live[name].log == self.log]
        if self.dialect is None or len(models) < len(names):
            return None
        places = [f"{model.declaration.table} {model.position}" for model in models]
        state = orjson.dumps([*places, about.get(BASIS), hour]).decode()
        if about.get(budgets.SHOWN) == state:
            return None
        cursor.execute(f"SELECT 1 FROM {models[0].declaration.table} LIMIT 1")
        if cursor.fetchone() is None and budgets.SHOWN not in about:
            return None
        return BudgetsToShow(state=state, shown=about.get(budgets.SHOWN), prices=about.get(BASIS))

    def write_budgets(self, cursor: Cursor, rows: Sequence[Sequence[Any]], state: str) -> None:
        """Show budgets, one after the other where several do."""
        if self.dialect:
            cursor.execute(self.dialect.one_at_a_time)
            budgets.write(cursor, rows, state)

    def budgets_are_shown_for(self, cursor: Cursor, state: str) -> bool:
        """Say whether budgets are shown for this, one after the other where several ask before they write."""
        if self.dialect is None:
            return False
        cursor.execute(self.dialect.one_at_a_time)
        return _about(cursor).get(budgets.SHOWN) == state

    def change_budgets(
        self, cursor: Cursor, rows: Mapping[str, Sequence[Sequence[Any]]], position: int, at: int, state: str
    ) -> None:
        """Show these budgets anew, and the others as they are, at another position and time."""
        budgets.change(cursor, rows, position, at, state)

    def merged(self, cursor: Cursor, declaration: Declaration, rows: Sequence[Any]) -> None:
        """Note that rows were merged."""
        if self.dialect and rows and priced.is_priced(declaration):
            priced.mark(cursor, declaration, rows, self.changed)

    def deleted(self, cursor: Cursor, declaration: Declaration, grain: str, start: int, end: int) -> None:
        """Note that the rows of these buckets were deleted: what was priced of them goes with them."""
        if self.dialect and priced.is_priced(declaration):
            priced.forget(cursor, declaration, grain, start, end)
        if self.dialect and declaration.name == budgets.BUDGETS:
            budgets.forget(cursor)


def _about(cursor: Cursor) -> dict[str, str]:
    cursor.execute(SELECT_ABOUT)
    return dict(map(tuple, cursor.fetchall()))
