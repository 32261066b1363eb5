"""Speed: how long operations take, and how often they fail."""

from analytics_es.projection import Histogram, count, histogram, key, projection, total


@projection(
    version=3, carries=(1, 2), consumes=("provider.>", "tool.>", "task.>", "job.>"), where="outcome IS NOT NULL"
)
class Performance:
    """One kind of operation on one subject, in one bucket of time. Only what ended counts as a call."""

    operation: str = key("activity")
    subject: str = key("coalesce(model, tool, task_type, job_type)")
    calls: int = count(unit="calls")
    failures: int = count(where="outcome = 'error'", unit="calls")
    unknown: int = count(where="outcome = 'unknown'", unit="calls")
    duration: Histogram = histogram("duration_ms", unit="ms", decimals=3)
    time_to_first_chunk: Histogram = histogram("time_to_first_chunk_ms", unit="ms", decimals=3)
    output_tokens: int | None = total("output_tokens", unit="tokens")
    timed_output_tokens: int | None = total("output_tokens", where="duration_ms > 0", unit="tokens")
    output_duration: int | None = total("duration_ms", where="output_tokens > 0", unit="ms", decimals=3)
