"""What an emitter of spans or logs calls things, as data: one file declares one emitter, one reader reads them all."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, frozen

# What a name may say. Tokens and searches are counts, a cost is money, a duration is in the unit that the name has.
FIELDS = frozenset(
    {
        *("operation", "kind", "provider", "request_model", "response_model"),
        *("input_tokens", "output_tokens", "total_tokens"),
        *("cache_read_tokens", "cache_creation_tokens", "cache_creation_1h_tokens", "cache_creation_5m_tokens"),
        *("reasoning_tokens", "input_cost", "output_cost", "data_source"),
        *("input_audio_tokens", "cache_read_audio_tokens", "output_audio_tokens"),
        *("input_image_tokens", "cache_read_image_tokens", "output_image_tokens", "searches"),
        *("cost", "currency", "service_tier", "batch", "attempt", "resends", "time_to_first_chunk", "duration"),
        *("user_id", "tenant_id", "conversation_id", "agent_id", "job_id", "task_id"),
        *("tool", "tool_of", "task_type", "job_type", "error_type", "request_id", "pending"),
    }
)
# Parts of the input and of the output that an emitter may count beside these, and not within.
CACHED = frozenset({"cache_read_tokens", "cache_creation_tokens"})
THOUGHTS = frozenset({"reasoning_tokens"})
READ, WRITTEN = frozenset({"cache_read_tokens"}), frozenset({"cache_creation_tokens"})
UNITS = {"s": 1000, "ms": 1, "us": 0.001, "ns": 0.000001}  # milliseconds in one


@frozen
class Name:
    """One row of a table: the attribute that tells a field, and where that is written down.

    field: one of FIELDS.
    attribute: its name; with `*` at its end all that begin so.
    unit: of a duration a key of UNITS; of a cost its currency, None where that is US dollars; None of all else.
    inside: where the attribute holds JSON: the keys that lead to it, apart by dots; `$` is the value itself.
    source: the repository and file that say so, if it is another than the emitter's.
    words: what its values mean; any other tells nothing. None: a value means itself.
    zero: False where the emitter writes a zero for what it does not know.
    """

    field: str
    attribute: str
    unit: str | None = None
    inside: str | None = None
    source: str = ""
    words: Mapping[str, str] | None = None
    zero: bool = True


@frozen(kw_only=True, eq=False)
class Emitter:
    """One emitter, from one version on, and all it is known by.

    name: one word, such as `strands`; of several versions the same.
    title: as people call it.
    since: the first version that this is right of, "" for all; `until`: the first one that it is no longer right of.
    source: the public repository and files that it was read from, and at which version.
    scopes: the instrumentation scopes that it writes under; `*` at the end: all that begin so.
    spans: names of spans that only it writes, `*` as above.
    telltales: attributes that only it writes, `*` as above: where the scope says nothing they tell who it is.
    marks: attributes of which one is there when it is this version of the emitter, where nothing tells the version:
        of an emitter's several declarations the first with a mark that is there is taken, else the first without any.
    systems: values of the provider's attribute that name the emitter and not a provider.
    agents: values of `gen_ai.agent.name` that name the emitter.
    names: of several for one field the first that is there counts.
    beside: the parts that its totals leave out, such as CACHED; empty where totals hold all their parts.
    beside_of: the same by provider, where that decides: {"aws.bedrock": CACHED}; goes before `beside`. A provider
        with a suffix, as `anthropic.messages`, is looked up without it, too.
    total_without: the parts that its grand total leaves out, too, so that it does not tell where they are.
    total_without_of: the same by provider; goes before `total_without`.
    certain: whether `beside` is certain; where not, a told grand total decides, or parts that are above their total.
    operations: its own words for an operation or a kind, or the names of its spans (`*` as above) → OpenTelemetry's
        word; "" is no call, and not counted.
    repeats: by attribute, values (`*`: any) of spans that tell again what others tell, or hold their place: a span with
        one of them is none of GenAI, and counted as such.
    free_text: attributes with what was said, or below these: never taken over.
    persons: attributes that tell a person, or below these: never taken over, unless a name of `user_id` is among them.
    tells_not: what it leaves open, in words, for the table of emitters in the guide.
    """

    name: str
    title: str
    since: str = ""
    until: str = ""
    source: str
    scopes: tuple[str, ...] = ()
    spans: tuple[str, ...] = ()
    telltales: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    names: tuple[Name, ...]
    beside: frozenset[str] = frozenset()
    beside_of: Mapping[str, frozenset[str]] = Factory(dict)
    total_without: frozenset[str] = frozenset()
    total_without_of: Mapping[str, frozenset[str]] = Factory(dict)
    certain: bool = True
    operations: Mapping[str, str] = Factory(dict)
    repeats: Mapping[str, tuple[str, ...]] = Factory(dict)
    free_text: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()
    tells_not: str = ""
