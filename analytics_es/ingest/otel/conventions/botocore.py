"""OpenTelemetry's instrumentation of botocore: Bedrock's usage as told, input without what was cached."""

from analytics_es.ingest.otel.conventions.declaration import CACHED, Emitter

BOTOCORE = Emitter(
    name="botocore",
    title="OpenTelemetry's instrumentation of botocore",
    source="open-telemetry/opentelemetry-python-contrib: opentelemetry-instrumentation-botocore 0.66b2, "
    "botocore/extensions/bedrock.py",
    scopes=("opentelemetry.instrumentation.botocore*",),
    telltales=("aws.request_id",),
    names=(),
    beside_of={"aws.bedrock": CACHED},
    tells_not="what was cached where a model is invoked by its own API; the model that answered; cost",
)
