"""Whose model a call was of: names as emitters, gateways and clouds write them → provider and model, where certain.

`azure/gpt-4o` of LiteLLM is `gpt-4o` at Azure; `us.anthropic.claude-sonnet-4-20250514-v1:0` is at Bedrock, whoever says
so. What is not certain stays as it is told: a model without a price is said, one at another's price is not.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from analytics_es.ingest.providers import LITELLM, family, known, renamed, same_provider, words

__all__ = ["Served", "canonical", "same_model", "same_provider", "served"]

LONGEST = 512  # characters of a name: a longer one is none that anybody knows
REMEMBERED = 4096

BEDROCK, VERTEX, GEMINI, ANY_GOOGLE = "aws.bedrock", "gcp.vertex_ai", "gcp.gemini", "gcp.gen_ai"

# ── names that only one provider has ────────────────────────────────────────────────────────────────────────────

_MAKERS = (
    "(?:ai21|amazon|anthropic|cohere|deepseek|google|luma|meta|minimax|mistral|moonshot|moonshotai|nvidia|openai|qwen"
    "|stability|twelvelabs|writer|zai)"
)
# Where it runs is a part of a model's name at Bedrock, as it has a price of its own.
_REGIONS = "(?:us-gov|us|eu|apac|ap|au|jp|ca|sa|me|af|global)"
_BEDROCK_ID = re.compile(
    rf"{_REGIONS}\.{_MAKERS}\.[^/]+|(?:anthropic|amazon)\.[^/]+|{_MAKERS}\.[^/:]+(?:-v[0-9]+)?:[0-9]+(?::[0-9]+k)?"
)
_BEDROCK_ARN = re.compile(r"arn:aws[a-z-]*:bedrock:[a-z0-9-]*:[0-9]*:(?:foundation-model|inference-profile)/([^/]+)")
# Ways through Bedrock that LiteLLM writes before the id; what is paid by the hour (`1-month-commitment/`) is none.
_BEDROCK_WAY = re.compile(r"(?:(?:converse|converse_like|invoke|[a-z]{2}(?:-gov)?-[a-z]+-[0-9])/)*(arn:.+|[^/]+)")
_VERTEX_PATH = re.compile(r"(?:projects/[^/]+/locations/[^/]+/)?publishers/([^/]+)/models/([^/]+)")
_VERTEX_VERSION = re.compile(r"claude-[^/@]+@(?:[0-9]{8}|default|latest)")
_GEMINI_PATH = re.compile(r"models/((?:gemini|gemma|imagen|veo|text-embedding|embedding|learnlm)-[^/]+)")
_SIZED = re.compile(r"[a-z0-9][a-z0-9._-]*:(?:latest|[0-9][0-9.x]*[bm])(?:-[a-z0-9._-]+)?")  # a tag as Ollama has them
_LONG_CONTEXT = re.compile(r"(claude-.+)\[1m\]")  # how Claude Code asks for the longer window of a model

# Frameworks of Google's, which ask Google for a model of its own, by one of its two ways.
_OF_GOOGLE = frozenset({"gcp.vertex.agent", "google_adk", "google-adk", "gemini_cli", "gemini-cli"})

# ── prefixes ────────────────────────────────────────────────────────────────────────────────────────────────────

# Prefixes that gateways, too, have for makers of models: nobody but LiteLLM means who serves it by them.
_OF_MAKERS = words("aws cohere databricks deepseek google huggingface mistralai perplexity replicate x-ai")
# What a maker serves itself, at one price by any way: no model of it that others serve as well.
_OWN = {
    "openai": re.compile(r"(?:gpt-(?!oss)|chatgpt-|o[1-9]|text-embedding-|codex-).*"),
    "anthropic": re.compile("claude-.*"),
}
# Before a colon: who pydantic-ai and LangChain mean. `mistral:7b` is a size of Ollama's.
_NOT_BEFORE_COLON = frozenset({"mistral", "ollama"})


class Served(NamedTuple):
    """Who served a call, and by which model; None where that is not told."""

    provider: str | None
    model: str | None


def served(provider: str | None, asked_for: str | None, answered: str | None = None) -> Served:
    """Return who served a call and by which model, as prices know them; the model that answered goes first.

    Only what is certain is changed: `azure/gpt-4o` of `litellm` is `gpt-4o` at Azure, but `openai/gpt-oss-120b` at Groq
    and `anthropic/claude-sonnet-4.5` at OpenRouter are called so there. A framework is no provider.
    """
    names = (provider or "", asked_for or "", answered or "")
    if len(names[0]) > LONGEST or len(names[1]) > LONGEST or len(names[2]) > LONGEST:
        return Served(provider, answered or asked_for)
    return _served(*names)


@functools.lru_cache(maxsize=REMEMBERED)
def _served(provider: str, asked_for: str, answered: str) -> Served:
    asked = _resolved(provider, asked_for)
    if not answered.strip():
        return asked
    own = _resolved(provider if renamed(provider) else asked.provider or provider, answered)
    # Bedrock answers by the model's name alone: where it ran, which has a price of its own, is in what was asked for.
    if asked.provider == BEDROCK and _BEDROCK_ID.fullmatch(str(asked.model)) and same_model(asked.model, own.model):
        return asked
    return own


def _resolved(provider: str, model: str) -> Served:
    told, model = renamed(provider), model.strip()
    if provider.strip().lower() in _OF_GOOGLE and model.startswith("gemini-"):
        told = ANY_GOOGLE
    if arn := _BEDROCK_ARN.fullmatch(model):
        return Served(BEDROCK, arn[1])
    if (path := _VERTEX_PATH.fullmatch(model)) and _may_be(told, "google", path[1]):
        return Served(told if family(told) == "google" else VERTEX, path[2])
    if (path := _GEMINI_PATH.fullmatch(model)) and _may_be(told, "google"):
        return Served(told or GEMINI, path[1])
    way, rest = _way(provider.strip().lower(), told, model)
    if not way:
        return _without_prefix(told, model)
    if way == BEDROCK:
        through = _BEDROCK_WAY.fullmatch(rest)
        return _resolved(BEDROCK, through[1]) if through else Served(BEDROCK, model)
    if way == "openrouter" and "/" not in rest:  # `openrouter/auto` is a model of its own
        return Served(way, model)
    return _resolved(told or way, rest)


def _without_prefix(told: str, model: str) -> Served:
    """Return what a name without a prefix tells by the way it is written."""
    if long := _LONG_CONTEXT.fullmatch(model):
        model = long[1]
    if model.startswith("gpt-35-") and family(told or "azure") == "azure":  # names there have no dots
        model = f"gpt-3.5-{model[7:]}"
    lower = model.lower()
    if _BEDROCK_ID.fullmatch(lower) and _may_be(told, "aws", lower):
        return Served(BEDROCK, model)
    if _VERTEX_VERSION.fullmatch(lower) and _may_be(told, "google", "anthropic"):
        return Served(told if family(told) == "google" else VERTEX, model)
    if not told and _SIZED.fullmatch(lower):  # some have names of models that others serve, who take money
        return Served("ollama", model)
    return Served(told or None, model or None)


def _may_be(told: str, cloud: str, maker: str = "") -> bool:
    """Say whether who is told, if anybody, is this cloud or the maker whose model it serves."""
    return not told or family(told) == cloud or family(told).removesuffix("_ai") in maker.split(".")


def _way(provider: str, told: str, model: str) -> tuple[str, str]:
    """Return who serves a model by its prefix, and the rest of its name; "" where no prefix tells for certain."""
    for apart in ("/", ":"):
        head, found, rest = model.partition(apart)
        way = known(head) if found and rest else ""
        if not way or (apart == ":" and head.lower() in _NOT_BEFORE_COLON):
            continue
        if told:
            return (way, rest) if family(told) == family(way) else ("", model)
        own = _OWN.get(way)
        if apart == ":" or provider in LITELLM:
            return way, rest
        if own.fullmatch(rest.lower()) if own else head.lower() not in _OF_MAKERS:
            return way, rest
    return "", model


# ── comparing ───────────────────────────────────────────────────────────────────────────────────────────────────

_BEFORE = re.compile(rf"(?:{_REGIONS}\.(?={_MAKERS}\.))?(?:(?!deepseek){_MAKERS}\.(?=[a-z]))?")
_BEHIND = re.compile(
    r"(?:\[1m\]|@[a-z0-9.-]+|:[0-9]+k|:(?:free|nitro|floor|online|thinking|extended|beta|exacto)|-latest"
    r"|(?<=[0-9]{8})-v[0-9]+(?::[0-9]+)?|-(?:v1|1):[0-9]+|:0"
    r"|-20[0-9]{2}-?[01][0-9]-?[0-3][0-9]|-[01][0-9]-20[0-9]{2}|-[01][0-9]-[0-3][0-9]|-[0-9]{4})$"
)
_GEMINI_STABLE = re.compile(r"(gemini-[0-9].*)-00[0-9]")
_CLAUDE = re.compile(r"claude-([0-9](?:[.-][0-9])?)-(opus|sonnet|haiku)")  # today the family goes first
_APART = re.compile(r"[^a-z0-9:]+")


@functools.lru_cache(maxsize=REMEMBERED)
def _canonical(model: str) -> str:
    name, shorter = model, _shorter(model)
    while shorter != name:  # what stood behind something odd is behind nothing then
        name, shorter = shorter, _shorter(shorter)
    return name


def _shorter(model: str) -> str:
    name = _BEFORE.sub("", model.strip().lower().rpartition("/")[2], count=1)
    shorter = _BEHIND.sub("", name)
    while shorter and shorter != name:
        name, shorter = shorter, _BEHIND.sub("", shorter)
    if stable := _GEMINI_STABLE.fullmatch(name):
        name = stable[1]
    return _APART.sub("", _CLAUDE.sub(r"claude-\2-\1", name))


def canonical(model: str) -> str:
    """Return what all names of a model have in common: without who serves it, where, and the date of a snapshot.

    To compare by, and no name that anybody knows: `claudesonnet4` of `us.anthropic.claude-sonnet-4-20250514-v1:0`.
    """
    return _canonical(model) if len(model) <= LONGEST else model


def same_model(one: str | None, other: str | None) -> bool:
    """Say whether two names are of one model; one that is not told is no model's."""
    return bool(one and other) and canonical(str(one)) == canonical(str(other)) != ""
