"""Histories of Gemini CLI and Qwen Code: documents written anew, lines appended again, copies that are branched off."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from attrs import define, field

from tests.ingest.sessions.histories import History, Json, TrueCall, stamp

GEMINI, QWEN = ("gemini-2.5-pro", "gemini-2.5-flash"), ("qwen3-coder-plus", "qwen3-max")


@define
class Chat:
    """A conversation, and its file; `lines`: of lines, not a document."""

    id: str
    path: str
    model: str
    lines: bool
    messages: list[Json] = field(factory=list)


def gemini(random: Random, calls: int, *, named: bool = True) -> History:
    """Return a history of Gemini CLI."""
    made = History(random)
    chats = [_gemini_chat(made)]
    while len(made.calls) < calls:
        chat = random.choice(chats[-3:])
        if made.chance(5):
            chats.append(_gemini_chat(made))
        elif made.chance(5):
            chat.messages.append({"id": f"u{made.number('u')}", "type": "user", "timestamp": stamp(made.later())})
            _write_gemini(made, chat, [])
        elif made.chance(3) and made.texts.get(chat.path) and chat.lines:
            made.cut_and_written_again(chat.path)
        elif made.chance(5) and chat.lines and chat.messages:
            made.append(chat.path, {"$set": {"messages": chat.messages, "lastUpdated": stamp(made.later())}})
        elif made.chance(3) and chat.lines and len(chat.messages) > 1:
            made.append(chat.path, {"$rewindTo": made.random.choice(chat.messages)["id"]})
        else:
            _gemini_call(made, chat)
    return made


def _gemini_chat(made: History) -> Chat:
    number, lines = made.number("chat"), made.chance(50)
    id = f"{number:08x}-0000-4000-8000-{number:012x}"
    path = f"tmp/0123abcd/chats/session-2026-05-01T08-00-{number:08x}.{'jsonl' if lines else 'json'}"
    chat = Chat(id, path, made.random.choice(GEMINI), lines)
    if lines:
        made.append(path, _of_chat(made, chat))
    return chat


def _of_chat(made: History, chat: Chat) -> Json:
    return {
        "sessionId": chat.id,
        "projectHash": "0123abcd",
        "startTime": stamp(made.now),
        "lastUpdated": stamp(made.now),
    }


def _gemini_call(made: History, chat: Chat) -> None:
    random, at = made.random, made.later()
    went_in, came_out, thoughts = random.randrange(1, 50_000), random.randrange(1, 2000), random.choice([0, 300])
    cached, tool = random.choice([0, random.randrange(went_in)]), 0
    counts = {"input": went_in, "output": came_out, "cached": cached, "thoughts": thoughts, "tool": tool}
    message: Json = {"id": f"m{made.number('m')}", "type": "gemini", "timestamp": stamp(at), "model": chat.model}
    complete = {**message, "tokens": {**counts, "total": went_in + came_out + thoughts + tool}}
    chat.messages.append(complete)
    _write_gemini(made, chat, [message] * made.chance(50) + [complete] * random.choice([1, 1, 2]))
    tokens = {"input": went_in, "output": came_out + thoughts, "cache_read": cached, "reasoning": thoughts}
    made.made(TrueCall(id=f"{chat.id}:{complete['id']}", at=at, model=chat.model, tokens=tokens))


def _write_gemini(made: History, chat: Chat, lines: list[Json]) -> None:
    if chat.lines:
        made.append(chat.path, *lines)
    else:
        made.rewrite(chat.path, [json.dumps({**_of_chat(made, chat), "messages": chat.messages}, indent=2)])


def qwen(random: Random, calls: int, *, named: bool = True) -> History:
    """Return a history of Qwen Code."""
    made = History(random)
    chats = [_qwen_chat(made)]
    while len(made.calls) < calls:
        chat = random.choice(chats[-3:])
        if made.chance(5):
            chats.append(_qwen_chat(made))
        elif made.chance(3) and made.texts.get(chat.path):
            made.cut_and_written_again(chat.path)
        elif made.chance(5):
            made.append(chat.path, _qwen_line(made, chat, "user"))
        else:
            _qwen_call(made, chat)
    return made


def _qwen_chat(made: History) -> Chat:
    number = made.number("chat")
    id = f"{number:08x}-0000-4000-8000-{number:012x}"
    return Chat(id, f"projects/-srv-p/chats/{id}.jsonl", made.random.choice(QWEN), lines=True)


def _qwen_line(made: History, chat: Chat, kind: str, **changes: Any) -> Json:
    number = made.number("line")
    uuid = f"{number:08x}-0000-4000-9000-{number:012x}"
    of = {"uuid": uuid, "sessionId": chat.id, "timestamp": stamp(made.later()), "type": kind, "cwd": "/srv/p"}
    return {**of, "version": "0.9.0", **changes}


def _qwen_call(made: History, chat: Chat) -> None:
    random = made.random
    went_in, came_out, thoughts = random.randrange(1, 50_000), random.randrange(1, 2000), random.choice([0, 300])
    cached = random.choice([0, random.randrange(went_in)])
    usage = {
        "promptTokenCount": went_in,
        "candidatesTokenCount": came_out,
        "thoughtsTokenCount": thoughts,
        "cachedContentTokenCount": cached,
        "totalTokenCount": went_in + came_out + thoughts,
    }
    line = _qwen_line(made, chat, "assistant", model=chat.model, usageMetadata=usage)
    made.append(chat.path, line)
    tokens = {"input": went_in, "output": came_out + thoughts, "cache_read": cached, "reasoning": thoughts}
    call = made.made(TrueCall(id=f"{chat.id}:{line['uuid']}", at=made.now, model=chat.model, tokens=tokens))
    made.count_beyond(call.at, call.model, {"input": cached}, 1)  # it is a part of what went in
