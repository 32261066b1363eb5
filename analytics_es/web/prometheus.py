"""The formats of Prometheus: text, and OpenMetrics where that is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from analytics_es.web.figures import Family

PREFIX = "analytics_es"
KINDS = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}


def encoded(families: Iterable[Family], accept: str) -> tuple[bytes, str]:
    """Return families in the format that is asked for, with its content type."""
    registry = CollectorRegistry()
    registry.register(_Collected([*families]))
    try:
        encode, content_type = choose_encoder(accept)
    except Exception:  # whatever a header says, such as a version that is none
        encode, content_type = choose_encoder("")
    return encode(registry), content_type


@frozen(eq=False)
class _Collected:
    """What was collected for one scrape."""

    families: list[Family]

    def describe(self) -> list[Metric]:
        """Return nothing: there is one collector."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every family that has a series."""
        for family in self.families:
            if family.samples:
                yield _metric(family)


def _metric(family: Family) -> Metric:
    name = f"{PREFIX}_{family.name}"
    if family.kind == "info":
        info: Metric = InfoMetricFamily(name, family.help, dict(zip(family.labels, *family.samples, strict=True)))
        return info
    metric: CounterMetricFamily | GaugeMetricFamily = KINDS[family.kind](name, family.help, labels=family.labels)
    for labels, amount in family.samples.items():
        metric.add_metric(labels, float(amount))
    return metric
