"""Cost: what provider calls used, what was reported to be charged for them, and which prices apply to the rest.

What a price depends on keeps rows apart, so that sums are priced exactly: the model, the time, the threshold that the
input of a call is above (its price holds for the whole call), the tier of service, and what a call does not tell.
"""

from typing import Any

from analytics_es.projection import count, key, projection, total

# Where prices change with the input of a call: Anthropic's and Google's above 200,000 tokens, OpenAI's above 272,000.
THRESHOLDS = (524_288, 512_000, 272_000, 256_000, 200_000, 199_999, 128_000, 100_000, 32_000)

_CORRECTED = "type = 'provider.cost.corrected'"
# A call is what ended. What began tells nothing that its end does not tell again; what is neither, such as what a bill
# says, may report a cost, 0 too, and then what that is for.
_CALL = "family = 'provider' AND outcome IS NOT NULL"
_BEGINNINGS = ("started", "created", "queued", "requested", "scheduled", "submitted", "received")
_BEGUN = " OR ".join(f"type LIKE '%.{verb}'" for verb in _BEGINNINGS)
_CHARGED = f"family = 'provider' AND (outcome IS NOT NULL OR NOT ({_BEGUN}))"
_COUNTED = f"{_CHARGED} AND (outcome IS NOT NULL OR cost IS NOT NULL)"
_USED = "(input_tokens > 0 OR output_tokens > 0)"
_NOT_COUNTED = f"family = 'provider' AND NOT ({_COUNTED}) AND ({_USED} OR searches > 0 OR cost IS NOT NULL)"
_SETTLED = f"{_CORRECTED} AND from_zero = 'true'"

_PRICING = f"""CASE
    WHEN family <> 'provider' THEN ''
    WHEN {_CORRECTED} THEN CASE WHEN from_zero = 'true' THEN 'zero' ELSE 'reported' END
    WHEN NOT ({_COUNTED}) THEN ''
    WHEN cost = 0 AND {_USED} AND outcome IS NOT NULL THEN 'zero'
    WHEN cost IS NOT NULL THEN 'reported'
    ELSE 'none'
END"""

_EFFORT = f"""CASE
    WHEN family <> 'provider' OR NOT ({_COUNTED} OR {_CORRECTED}) THEN ''
    WHEN outcome = 'error' OR ({_CORRECTED} AND error_type IS NOT NULL) THEN 'failed'
    WHEN attempt > 1 THEN 'retried'
    ELSE ''
END"""

_MEDIA = ("audio", "image")
_READ_AND = "cache_read_tokens > 0 AND input_{0}_tokens > 0"
# What sums of calls would hide, in words: that they told nothing, that they used no input, no output, or searches, and
# that some of it is of two kinds at once, told (by the name of both) or not (`&`): a price of both says nothing then.
_HIDDEN = {
    "no_input": "coalesce(input_tokens, 0) = 0",
    "no_output": "coalesce(output_tokens, 0) = 0",
    "searches": "searches > 0",
    **{f"cache_read_{medium}": f"cache_read_{medium}_tokens > 0" for medium in _MEDIA},
    **{
        f"cache_read&input_{medium}": f"{_READ_AND.format(medium)} AND cache_read_{medium}_tokens IS NULL"
        for medium in _MEDIA
    },
    **{
        f"{part}&{side}_{medium}": f"{part}_tokens > 0 AND {side}_{medium}_tokens > 0"
        for part, side in (("cache_creation", "input"), ("reasoning", "output"))
        for medium in _MEDIA
    },
}
_FEW_TELL = "searches, input_audio_tokens, input_image_tokens, output_audio_tokens, output_image_tokens"
_WORDS = " || ".join(f"CASE WHEN {condition} THEN ' {word}' ELSE '' END" for word, condition in _HIDDEN.items())
_UNTOLD = f"""CASE
    WHEN NOT ({_COUNTED}) THEN ''
    WHEN input_tokens > 0 AND output_tokens > 0 AND coalesce({_FEW_TELL}) IS NULL THEN ''
    WHEN coalesce(input_tokens, output_tokens, searches) IS NULL THEN 'usage'
    ELSE ltrim({_WORDS})
END"""


def _band(suffix: str) -> str:
    """Of what stands for many requests, the input of each is not known: it is taken to be above nothing."""
    above = " ".join(f"WHEN input_tokens > {threshold} THEN '{threshold}{suffix}'" for threshold in THRESHOLDS)
    return f"CASE WHEN requests > 1 THEN '0{suffix}' {above} ELSE '0{suffix}' END"


def _batch_or_not(suffix: str) -> str:
    in_batch = f"batch = 'true' OR {_TIER} = 'batch'"
    return f"CASE WHEN {in_batch} THEN {_band(' batch' + suffix)} ELSE {_band(suffix)} END"


# How a tier was written before events were checked for it does not matter.
_TIER = "lower(trim(service_tier))"
_STANDARD = "'', 'standard', 'default', 'auto', 'standard_only', 'on_demand', 'unspecified', 'batch'"
# DeepSeek's prices turn twice a day, of some models at half past an hour (UTC).
_RATE = f"""CASE
    WHEN family <> 'provider' THEN ''
    WHEN provider = 'deepseek' AND minute < 30 THEN {_batch_or_not(" :00")}
    WHEN provider = 'deepseek' THEN {_batch_or_not(" :30")}
    ELSE {_batch_or_not("")}
END
|| CASE WHEN requests > 1 THEN ' +' ELSE '' END
|| CASE WHEN service_tier IS NULL OR {_TIER} IN ({_STANDARD}) THEN '' ELSE ' ' || {_TIER} END"""


def _tokens(field: str) -> Any:
    return total(field, where=_COUNTED, unit="tokens")


@projection(
    version=4,
    carries=(2, 3),
    consumes=("provider.>", "task.>"),
    where="family = 'provider' OR outcome = 'ok'",
    entities=("user", "tenant", "agent", "job", "task", "conversation", "tool"),
)
class Cost:
    """One operation of one model at one rate, charged in one currency to one entity, in one bucket of time."""

    entity_type: str = key("entity.type")
    entity_id: str = key("entity.id")
    provider: str = key("provider")
    model: str = key("model")
    operation: str = key("operation")
    currency: str = key(f"CASE WHEN {_CHARGED} AND coalesce(cost, cost_change) IS NOT NULL THEN currency END")
    pricing: str = key(_PRICING)
    rate: str = key(_RATE)
    untold: str = key(_UNTOLD)
    effort: str = key(_EFFORT)

    calls: int = count(where=_CALL, unit="calls")
    requests: int | None = total("requests", where=_CALL, unit="requests")
    settled_calls: int = count(where=_SETTLED, unit="calls")
    settled_requests: int | None = total("requests", where=_SETTLED, unit="requests")
    not_ended: int = count(where=_NOT_COUNTED)
    reported_cost: int | None = total("coalesce(cost, cost_change)", where=_CHARGED, unit="currency", decimals=18)
    input_tokens: int | None = _tokens("input_tokens")
    cache_read_tokens: int | None = _tokens("cache_read_tokens")
    cache_creation_tokens: int | None = _tokens("cache_creation_tokens")
    cache_creation_1h_tokens: int | None = _tokens("cache_creation_1h_tokens")
    input_audio_tokens: int | None = _tokens("input_audio_tokens")
    cache_read_audio_tokens: int | None = _tokens("cache_read_audio_tokens")
    input_image_tokens: int | None = _tokens("input_image_tokens")
    cache_read_image_tokens: int | None = _tokens("cache_read_image_tokens")
    output_tokens: int | None = _tokens("output_tokens")
    reasoning_tokens: int | None = _tokens("reasoning_tokens")
    output_audio_tokens: int | None = _tokens("output_audio_tokens")
    output_image_tokens: int | None = _tokens("output_image_tokens")
    searches: int | None = total("searches", where=_COUNTED, unit="searches")
    successful_tasks: int = count(where="family = 'task' AND outcome = 'ok'", unit="tasks")
