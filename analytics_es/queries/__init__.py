"""Read models → answers: periods, grouping, figures; usage, performance, summary; as of a position."""

from analytics_es.queries.question import Question, QuestionContext

__all__ = ["Question", "QuestionContext"]
