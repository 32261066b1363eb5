"""A stand-in for model providers on this machine, and published instrumentations that tell of calls to it.

`python -m tests.emitters NAME FILE` records one of them as OTLP/JSON, as in tests/data/otlp. It imports nothing of this
package, so that old emitters can be recorded in an environment of their own.
"""

from __future__ import annotations

import importlib
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SECRET = "the secret of the prompt"
ANSWER = "the secret of the answer"
OPENAI_USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 5,
    "total_tokens": 25,
    "prompt_tokens_details": {"cached_tokens": 8},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
# Anthropic's: its input is without the cached tokens.
ANTHROPIC_USAGE = {
    "input_tokens": 10,
    "cache_read_input_tokens": 30,
    "cache_creation_input_tokens": 5,
    "output_tokens": 4,
}

MESSAGES: Any = [{"role": "user", "content": SECRET}]
MODEL, ANSWERING_MODEL = "gpt-4o-mini", "gpt-4o-mini-2024-07-18"


class _Provider(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if request["model"] == "overloaded":
            self._answer(429, {"error": {"message": f"no room for {SECRET}", "type": "rate_limit"}})
        elif self.path.partition("?")[0].endswith("/messages"):
            self._stream_message() if request.get("stream") else self._answer(200, _message())
        elif request.get("stream"):
            self._stream()
        else:
            self._answer(200, _completion())

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for word in ANSWER.split():
            self._chunk(choices=[{"index": 0, "delta": {"content": word}, "finish_reason": None}])
        self._chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
        self._chunk(choices=[], usage=OPENAI_USAGE)
        self.wfile.write(b"data: [DONE]\n\n")

    def _stream_message(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        message, text = _message(), {"type": "text_delta", "text": ANSWER}
        begun = {**message, "content": [], "stop_reason": None, "usage": {**ANTHROPIC_USAGE, "output_tokens": 1}}
        ended = {"stop_reason": "end_turn", "stop_sequence": None}
        self._event("message_start", message=begun)
        self._event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        self._event("content_block_delta", index=0, delta=text)
        self._event("content_block_stop", index=0)
        self._event("message_delta", delta=ended, usage=ANTHROPIC_USAGE)
        self._event("message_stop")

    def _event(self, type: str, **content: Any) -> None:
        self.wfile.write(f"event: {type}\ndata: {json.dumps({'type': type, **content})}\n\n".encode())

    def _chunk(self, **content: Any) -> None:
        chunk = {"id": "c2", "object": "chat.completion.chunk", "created": 1, "model": ANSWERING_MODEL, **content}
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _completion() -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}
    common = {"id": "c1", "object": "chat.completion", "created": 1, "model": ANSWERING_MODEL}
    return {**common, "choices": [choice], "usage": OPENAI_USAGE}


def _message() -> dict[str, Any]:
    return {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [{"type": "text", "text": ANSWER}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": ANTHROPIC_USAGE,
    }


@contextmanager
def provider() -> Iterator[str]:
    """Run the stand-in and give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Provider)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# ── applications ────────────────────────────────────────────────────────────────────────────────────────────────


def three_calls(url: str, tracer_provider: Any = None) -> None:
    """Call OpenAI's API three times: at once, streamed, and in vain."""
    import openai

    with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
        streamed = {"stream": True, "stream_options": {"include_usage": True}}
        for _ in client.chat.completions.create(model=MODEL, messages=MESSAGES, **streamed):  # type: ignore[call-overload]
            pass
        try:
            client.chat.completions.create(model="overloaded", messages=MESSAGES)
        except openai.RateLimitError:
            return
    raise AssertionError("the third call was to fail")


def one_message(url: str, tracer_provider: Any = None) -> None:
    """Call Anthropic's API once."""
    import anthropic

    with anthropic.Anthropic(base_url=url, api_key="none", max_retries=0) as client:
        client.messages.create(model="claude-sonnet-4-5", max_tokens=10, messages=MESSAGES)


def agent(url: str, tracer_provider: Any = None) -> None:
    """Run a workflow of one agent, which calls a model twice and a tool, and tells the sum of the tokens itself."""
    import openai
    from opentelemetry.util.genai.handler import TelemetryHandler

    handler = TelemetryHandler(tracer_provider=tracer_provider)
    client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
    workflow = handler.workflow("support", conversation_id="talk-1")
    with client, workflow, handler.invoke_local_agent(agent_name="helper") as invocation:
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
        with handler.tool("search") as tool:
            tool.tool_call_id, tool.arguments, tool.tool_result = "t1", {"query": SECRET}, ANSWER
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
        invocation.input_tokens, invocation.output_tokens = 40, 10


GENAI_OPENAI = "opentelemetry.instrumentation.genai.openai"
OPENINFERENCE_OPENAI = "openinference.instrumentation.openai"

Application = Callable[[str, Any], None]
EMITTERS: dict[str, tuple[str, str, Application]] = {
    "genai-openai": (GENAI_OPENAI, "OpenAIInstrumentor", three_calls),
    "genai-agent": (GENAI_OPENAI, "OpenAIInstrumentor", agent),
    "genai-anthropic": ("opentelemetry.instrumentation.genai.anthropic", "AnthropicInstrumentor", one_message),
    "openinference-openai": (OPENINFERENCE_OPENAI, "OpenAIInstrumentor", three_calls),
    "openinference-anthropic": ("openinference.instrumentation.anthropic", "AnthropicInstrumentor", one_message),
    "openllmetry-old": ("opentelemetry.instrumentation.openai", "OpenAIInstrumentor", three_calls),
    "openllmetry-openai": ("opentelemetry.instrumentation.openai", "OpenAIInstrumentor", three_calls),
    "openllmetry-anthropic": ("opentelemetry.instrumentation.anthropic", "AnthropicInstrumentor", one_message),
}


@contextmanager
def instrumented(tracer_provider: Any, *names: str) -> Iterator[None]:
    """Let emitters tell of what happens meanwhile."""
    instrumentors = [
        getattr(importlib.import_module(module), kind)() for module, kind, _ in map(EMITTERS.__getitem__, names)
    ]
    for instrumentor in instrumentors:
        instrumentor.instrument(tracer_provider=tracer_provider, skip_dep_check=True)
    try:
        yield
    finally:
        for instrumentor in instrumentors:
            instrumentor.uninstrument()


@contextmanager
def writing(path: Path) -> Iterator[Any]:
    """Give tracers whose spans are written into a new file, a request a line."""
    from opentelemetry.exporter.otlp.json.file import FileSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    tracers = TracerProvider(resource=Resource.create({"service.name": "recorded"}))
    tracers.add_span_processor(SimpleSpanProcessor(FileSpanExporter(path)))
    yield tracers
    tracers.shutdown()


def record(name: str, path: Path) -> None:
    """Write what an emitter tells into a new file."""
    with writing(path) as tracers, provider() as url, instrumented(tracers, name):
        EMITTERS[name][2](url, tracers)


if __name__ == "__main__":
    record(sys.argv[1], Path(sys.argv[2]))
