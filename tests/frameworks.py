"""Frameworks that tell of their calls to the stand-in of `tests.emitters`: recorded once, each in its own environment.

`python -m tests.frameworks NAME FILE` writes what one of them tells as OTLP/JSON, as in tests/data/otlp.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.emitters import ANSWER, MESSAGES, MODEL, SECRET, one_message, provider, three_calls, writing

CLAUDE = "claude-sonnet-4-5"
PERSON = "erika.mustermann@example.com"


def load(name: str) -> Any:
    """Return a module that is no dependency of ours."""
    return import_module(name)


def pydantic_ai(url: str, tracers: Any) -> None:
    """Run an agent on each provider."""
    pydantic, models, providers = load("pydantic_ai"), "pydantic_ai.models.", "pydantic_ai.providers."
    openai = load(f"{providers}openai").OpenAIProvider(base_url=url, api_key="none")
    anthropic = load(f"{providers}anthropic").AnthropicProvider(base_url=url, api_key="none")
    told = pydantic.InstrumentationSettings(tracer_provider=tracers)
    pydantic.Agent.instrument_all(told)
    for model in (
        load(f"{models}openai").OpenAIChatModel(MODEL, provider=openai),
        load(f"{models}anthropic").AnthropicModel(CLAUDE, provider=anthropic),
    ):
        pydantic.Agent(model, name="helper").run_sync(SECRET)


def litellm(url: str, tracers: Any) -> None:
    """Call both providers; the callback tells of it later, in a thread."""
    library, otel = load("litellm"), load("litellm.integrations.opentelemetry")
    library.callbacks = [otel.OpenTelemetry(config=otel.OpenTelemetryConfig(), tracer_provider=tracers)]
    common = {"messages": MESSAGES, "api_base": url, "api_key": "none", "max_tokens": 10, "user": PERSON}
    library.completion(f"openai/{MODEL}", **common)
    library.completion(f"anthropic/{CLAUDE}", **common)
    time.sleep(3)


def langfuse(url: str, tracers: Any) -> None:
    """Call OpenAI's API through its client of it, within an agent with a tool."""
    library = load("langfuse")
    told = library.Langfuse(public_key="pk", secret_key=PERSON, base_url=url, tracer_provider=tracers)
    with told.start_as_current_observation(name="helper", as_type="agent", input=SECRET):
        client = load("langfuse.openai").openai.OpenAI(base_url=url, api_key="none", max_retries=0)
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
        with told.start_as_current_observation(name="search", as_type="tool", input=SECRET, output=ANSWER):
            pass
    told.flush()


def logfire(url: str, tracers: Any) -> None:
    """Call both providers' APIs with its integrations: at once, streamed, and in vain."""
    library, processors = load("logfire"), list(tracers._active_span_processor._span_processors)
    library.configure(send_to_logfire=False, console=False, additional_span_processors=processors)
    library.instrument_openai()
    library.instrument_anthropic()
    three_calls(url)
    one_message(url)
    library.force_flush()


def langsmith(url: str, tracers: Any) -> None:
    """Call both providers' APIs within a chain with a retriever, exporting to OpenTelemetry alone."""
    os.environ |= {"LANGSMITH_TRACING": "true", "LANGSMITH_OTEL_ENABLED": "true", "LANGSMITH_OTEL_ONLY": "true"}
    os.environ |= {"LANGSMITH_API_KEY": "none", "LANGSMITH_ENDPOINT": url}
    library, wrappers = load("langsmith"), load("langsmith.wrappers")
    openai, anthropic = load("openai"), load("anthropic")
    told = library.Client(otel_tracer_provider=tracers)
    one = wrappers.wrap_openai(openai.OpenAI(base_url=url, api_key="none", max_retries=0))
    other = wrappers.wrap_anthropic(anthropic.Anthropic(base_url=url, api_key="none", max_retries=0))
    here = {"langsmith_extra": {"client": told}}

    def search(query: str) -> list[str]:
        return [ANSWER]

    def chain(question: str) -> str:
        library.traceable(client=told, run_type="retriever")(search)(question)
        one.chat.completions.create(model=MODEL, messages=MESSAGES, **here)
        other.messages.create(model=CLAUDE, max_tokens=10, messages=MESSAGES, **here)
        return ANSWER

    library.traceable(client=told)(chain)(SECRET)
    told.flush()


def strands(url: str, tracers: Any) -> None:
    """Run an agent on OpenAI's API."""
    load("opentelemetry.trace").set_tracer_provider(tracers)
    models = load("strands.models.openai")
    model = models.OpenAIModel(client_args={"base_url": url, "api_key": "none"}, model_id=MODEL)
    load("strands").Agent(model=model, name="helper", callback_handler=None)(SECRET)


def openlit(url: str, tracers: Any) -> None:
    """Call both providers' APIs with its instrumentations."""
    load("opentelemetry.trace").set_tracer_provider(tracers)
    load("openlit").init(disable_metrics=True)
    three_calls(url)
    one_message(url)


FRAMEWORKS: dict[str, Callable[[str, Any], None]] = {
    "pydantic-ai": pydantic_ai,
    "litellm": litellm,
    "langfuse": langfuse,
    "logfire": logfire,
    "langsmith": langsmith,
    "strands": strands,
    "openlit": openlit,
}


if __name__ == "__main__":
    with provider() as endpoint, writing(Path(sys.argv[2])) as tracer_provider:
        FRAMEWORKS[sys.argv[1]](endpoint, tracer_provider)
