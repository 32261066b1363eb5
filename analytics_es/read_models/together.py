"""One commit for all projections that took in the same few events: a commit costs more than what is in it."""

from __future__ import annotations

from collections.abc import Mapping

from analytics_es.errors import AnalyticsError, StoreUnavailable
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import SMALL, Folded, Result
from analytics_es.read_models.store import ReadModels


def together(
    read_models: ReadModels,
    declarations: Mapping[str, Declaration],
    folded: Result,
    *,
    expected: int,
    position: int,
    size: int,
) -> bool:
    """Commit a batch of `size` events for all of these projections, or for none; says whether.

    Not many events, which keep others waiting; not where the fold of one has failed, nor where one is moved by somebody
    else, or is refused: then each of them is to be committed by itself, which says what is the matter with it.
    """
    commits = {declarations[name]: own for name, own in sorted(folded.items()) if isinstance(own, Folded)}
    if size > SMALL or not 1 < len(commits) == len(folded):
        return False
    try:
        return read_models.commit_all(commits, expected=expected, position=position)
    except StoreUnavailable:
        raise
    except AnalyticsError:
        return False
