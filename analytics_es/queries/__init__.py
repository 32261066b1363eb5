"""Read models → answers."""

from analytics_es.queries.question import Question, QuestionContext

__all__ = ["Question", "QuestionContext"]
