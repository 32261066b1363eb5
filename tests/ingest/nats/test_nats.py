"""NATS JetStream, a real server: what is published is in the log once, whatever fails meanwhile."""

from __future__ import annotations

import base64
import json
import sqlite3
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig

from analytics_es import AnalyticsService
from analytics_es.errors import AnalyticsError, CannotConsume, CannotReachBus, NoStream, SeveralStreams, StoreFailed
from analytics_es.ingest.bus import Message
from analytics_es.ingest.nats import NatsBus, inbox
from analytics_es.ingest.nats.consumer import message_of
from analytics_es.ingest.subscription import Subscription, SubscriptionStats
from analytics_es.log.sqlite import database as sqlite_database
from analytics_es.testing import NOON
from tests.children import ran
from tests.nats_servers import NatsServer, Published, Stream, calls, cloud_event, nats_server, published
from tests.stores import PATIENCE, eventually, in_full, recorded

pytestmark = pytest.mark.store("sqlite")


@pytest.fixture
def stream(nats: NatsServer) -> Stream:
    return nats.stream()


def received(subscription: Subscription, count: int) -> SubscriptionStats:
    """Wait for so many messages."""
    eventually(lambda: subscription.stats().received >= count)
    return subscription.stats()


def ids(analytics: AnalyticsService) -> list[str]:
    return [event.id for event in recorded(analytics)]


# ── what a message becomes ──────────────────────────────────────────────────────────────────────────────────────


@in_full
def test_a_structured_cloud_event_is_recorded_as_it_says(analytics: AnalyticsService, stream: Stream) -> None:
    (call,) = calls(1)
    stream.publish(Published(call["event_type"], cloud_event(call)))

    with analytics.subscribe_to(stream.bus()) as subscription:
        assert received(subscription, 1) == SubscriptionStats(received=1, recorded=1)

    (event,) = recorded(analytics)
    assert (event.type, event.source, event.id, event.occurred_at) == (call["event_type"], "test", "0", NOON)
    assert event.data == call["data"]


def test_a_binary_cloud_event_is_recorded_as_its_headers_say(analytics: AnalyticsService, stream: Stream) -> None:
    headers = {"ce-specversion": "1.0", "ce-type": "job.failed", "ce-id": "7", "ce-source": "worker"}
    stream.publish(Published("job.x", b'{"job_id": "j"}', {**headers, "ce-time": NOON.isoformat()}))

    with analytics.subscribe_to(stream.bus()) as subscription:
        received(subscription, 1)

    (event,) = recorded(analytics)
    assert (event.type, event.source, event.id, event.occurred_at) == ("job.failed", "worker", "7", NOON)
    assert event.data == {"job_id": "j"}


def test_plain_json_has_its_type_from_the_subject_and_its_time_from_the_stream(
    analytics: AnalyticsService, stream: Stream
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    stream.publish(Published("job.completed"), Published("job.step.completed", headers={"Nats-Msg-Id": "m-1"}))

    with analytics.subscribe_to(stream.bus()) as subscription:
        received(subscription, 2)

    first, other = recorded(analytics)
    assert (first.type, first.source, first.id) == ("job.completed", f"nats:{stream.name}", f"{stream.name}:1")
    assert (other.type, other.source, other.id) == ("job.step.completed", f"nats:{stream.name}", "m-1")
    assert before < first.occurred_at <= other.occurred_at < datetime.now(UTC)


@in_full
def test_poison_is_kept_in_the_log_and_acknowledged(analytics: AnalyticsService, stream: Stream) -> None:
    large = b'{"text": "' + b"x" * 300_000 + b'"}'
    bodies = [b"no json \x00\xff", b'{"duration_ms": "slow"}', large, b"{}"]
    stream.publish(*[Published("job.completed", body, {"a": "b"}) for body in bodies])

    with analytics.subscribe_to(stream.bus()) as subscription:
        assert received(subscription, 4) == SubscriptionStats(received=4, recorded=1, rejected=3)

    *rejected, _ = recorded(analytics)
    assert [event.type for event in rejected] == ["analytics.message.rejected"] * 3
    codes = [event.data["reason"]["code"] for event in rejected]
    assert codes == ["unreadable_message", "bad_field", "too_large"]
    assert [base64.b64decode(event.data["raw"]) for event in rejected[:2]] == bodies[:2]
    assert (rejected[2].data["truncated"], rejected[2].data["size"]) == (True, len(large))
    assert (rejected[0].data["sequence"], rejected[0].data["headers"]) == (1, {"a": "b"})
    assert stream.waiting() == (0, 0)


@in_full
def test_what_only_the_service_says_is_kept_as_rejected(analytics: AnalyticsService, stream: Stream) -> None:
    headers = {"ce-specversion": "1.0", "ce-type": "analytics.tags.declared", "ce-id": "7", "ce-source": "worker"}
    stream.publish(Published("job.x", b'{"tags": ["team"]}', {**headers, "ce-time": NOON.isoformat()}))

    with analytics.subscribe_to(stream.bus()) as subscription:
        assert received(subscription, 1) == SubscriptionStats(received=1, rejected=1)

    (rejected,) = recorded(analytics)
    assert (rejected.type, rejected.data["reason"]["code"]) == ("analytics.message.rejected", "reserved_type")


def test_what_is_in_other_subjects_stays_there(analytics: AnalyticsService, stream: Stream) -> None:
    stream.publish(Published("other.happened"), Published("job.completed"))

    with analytics.subscribe_to(stream.bus()) as subscription:
        received(subscription, 1)

    assert [event.type for event in recorded(analytics)] == ["job.completed"]


def test_the_place_of_a_message_is_read_with_and_without_a_domain() -> None:
    short = "$JS.ACK.EVENTS.us.1.7.9.1795595321500250999.0"
    long = "$JS.ACK.hub.account.EVENTS.us.1.7.9.1795595321500250999.0.x7"

    for reply in (short, long):
        each = Msg(None, subject="p.job.a", reply=reply)  # type: ignore[arg-type]
        told, theirs = message_of(each, "p."), each.metadata
        assert (told.stream, told.sequence) == ("EVENTS", 7) == (theirs.stream, theirs.sequence.stream)
        assert told.time == datetime(2026, 11, 25, 8, 28, 41, 500250, UTC)
        assert abs(told.time - theirs.timestamp) <= timedelta(microseconds=1)


# ── acknowledged once it is in the log ──────────────────────────────────────────────────────────────────────────


def test_what_is_recorded_is_acknowledged_and_a_later_consumer_goes_on(
    analytics: AnalyticsService, stream: Stream
) -> None:
    for first in (0, 1500):
        stream.publish(*published(calls(1500, first)))
        with analytics.subscribe_to(stream.bus()) as subscription:
            assert received(subscription, 1500) == SubscriptionStats(received=1500, recorded=1500)
        assert stream.waiting() == (0, 0)

    assert ids(analytics) == [str(n) for n in range(3000)]


def test_what_is_delivered_again_changes_nothing(analytics: AnalyticsService, stream: Stream) -> None:
    plain = [Published("job.completed", b"{}", {"Nats-Msg-Id": str(n)} if n % 2 else {}) for n in range(20)]
    stream.publish(*published(calls(20)), *plain, Published("job.completed", b"poison"))
    for durable in ("one", "other"):
        with analytics.subscribe_to(stream.bus(durable=durable)) as subscription:
            received(subscription, 41)
            told = subscription.stats()

    assert told == SubscriptionStats(received=41, duplicates=41)
    assert len(recorded(analytics)) == 41


def test_a_store_that_fails_for_a_while_gets_everything_in_the_end(
    analytics: AnalyticsService, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream.publish(*published(calls(50)))

    def full(entries: Any, **_: Any) -> Any:
        raise StoreFailed(problem="disk full")

    with monkeypatch.context() as patch:
        patch.setattr(analytics.store.log, "append", full)
        subscription = analytics.subscribe_to(stream.bus())
        eventually(lambda: subscription.stats().failures >= 2)
        assert subscription.stats().trouble == str(StoreFailed(problem="disk full"))
        eventually(lambda: stream.waiting() == (0, 50))
    received(subscription, 50)
    subscription.close()

    told = subscription.stats()
    assert (told.recorded, told.duplicates, told.trouble) == (50, 0, None)
    assert stream.waiting() == (0, 0)


def test_a_locked_store_gets_everything_once_it_is_free(
    tmp_path: Path, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_database, "LOCK_TIMEOUT", 0.1)
    with AnalyticsService.open(tmp_path / "analytics.db", follow=False) as analytics:
        with closing(sqlite3.connect(tmp_path / "analytics.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            stream.publish(*published(calls(50)))
            subscription = analytics.subscribe_to(stream.bus())
            eventually(lambda: subscription.stats().failures)
            assert "locked" in str(subscription.stats().trouble)
            other.rollback()
        received(subscription, 50)
        subscription.close()

        assert ids(analytics) == [str(n) for n in range(50)]


def test_a_batch_that_is_not_recorded_is_not_acknowledged_and_is_delivered_to_the_next(
    analytics: AnalyticsService, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream.publish(*published(calls(30)))
    bus = stream.bus(ack_wait=0.5)

    def full(entries: Any, **_: Any) -> Any:
        raise StoreFailed(problem="disk full")

    with monkeypatch.context() as patch:
        patch.setattr(analytics.store.log, "append", full)
        with analytics.subscribe_to(bus) as subscription:
            eventually(lambda: subscription.stats().failures)
    assert (ids(analytics), stream.waiting()) == ([], (0, 30))

    with analytics.subscribe_to(bus) as subscription:
        received(subscription, 30)

    assert ids(analytics) == [str(n) for n in range(30)]


def test_a_consumer_takes_no_more_than_may_be_in_flight(stream: Stream) -> None:
    stream.publish(*[Published("job.completed") for _ in range(500)])
    sizes: list[int] = []
    go_on = threading.Event()

    def handler(messages: Any) -> None:
        sizes.append(len(messages))
        go_on.wait(PATIENCE)

    consumer = stream.bus(batch=100, max_in_flight=150).subscribe_batches(["job.>"], handler)
    eventually(lambda: stream.waiting() == (350, 150))
    go_on.set()
    eventually(lambda: sum(sizes) == 500)
    consumer.close()

    assert max(sizes) <= 150
    assert stream.waiting() == (0, 0)


def test_consumers_of_one_name_share_the_work(analytics: AnalyticsService, stream: Stream) -> None:
    bus = stream.bus(batch=100, max_in_flight=250)

    with analytics.subscribe_to(bus) as one, analytics.subscribe_to(bus) as other:
        stream.publish(*published(calls(3000)))
        eventually(lambda: stream.waiting() == (0, 0))
    told = [one.stats(), other.stats()]

    assert sum(each.received for each in told) == sum(each.recorded for each in told) == 3000
    assert min(each.received for each in told) > 0


def test_closing_finishes_and_acknowledges_what_was_fetched(analytics: AnalyticsService, stream: Stream) -> None:
    stream.publish(*published(calls(4000)))

    subscription = analytics.subscribe_to(stream.bus())
    received(subscription, 1)
    subscription.close()

    told, (undelivered, unacknowledged) = subscription.stats(), stream.waiting()
    assert (told.received + undelivered, unacknowledged) == (4000, 0)
    assert ids(analytics) == [str(n) for n in range(told.recorded)]


def test_closing_an_idle_subscription_takes_no_time(
    analytics: AnalyticsService, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "LINGER_SECONDS", 2 * PATIENCE)
    subscription = analytics.subscribe_to(stream.bus())
    began = time.monotonic()
    subscription.close()
    subscription.close()

    assert time.monotonic() - began < PATIENCE  # less than the server keeps a request


# ── the server ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kill", [False, True])
def test_a_server_that_is_restarted_meanwhile_loses_nothing(analytics: AnalyticsService, kill: bool) -> None:
    with nats_server() as server:
        stream = server.stream()
        stream.publish(*published(calls(2000)))
        with analytics.subscribe_to(stream.bus()) as subscription:
            received(subscription, 1)
            server.stop(kill=kill)
            eventually(lambda: subscription.stats().trouble)
            server.start()
            stream.publish(*published(calls(2000, 2000)))
            eventually(lambda: subscription.stats().recorded == 4000)
            eventually(lambda: subscription.stats().trouble is None)

    assert sorted(map(int, ids(analytics))) == list(range(4000))


def test_a_consumer_that_is_deleted_is_made_again(analytics: AnalyticsService, stream: Stream) -> None:
    stream.publish(*published(calls(10)))
    with analytics.subscribe_to(stream.bus()) as subscription:
        received(subscription, 10)
        stream.server.run(lambda jetstream: jetstream.delete_consumer(stream.name, "analytics_es"))
        stream.publish(*published(calls(10, 10)))
        eventually(lambda: subscription.stats().recorded == 20)

    assert ids(analytics) == [str(n) for n in range(20)]


def test_a_stream_is_found_by_its_subjects(analytics: AnalyticsService, stream: Stream) -> None:
    stream.publish(Published("job.completed"))

    with analytics.subscribe_to(stream.bus(stream=None)) as subscription:
        assert received(subscription, 1).recorded == 1


def test_a_stream_is_made_where_that_is_asked_for(analytics: AnalyticsService, nats: NatsServer) -> None:
    bus = NatsBus(url=nats.url, stream="MADE", subject_prefix="made", create_stream=True)
    for _ in range(2):
        analytics.subscribe_to(bus).close()
    made = Stream(nats, "MADE")

    nats.run(lambda jetstream: jetstream.publish("made.job.completed", b"{}"))

    with analytics.subscribe_to(bus) as subscription:
        assert received(subscription, 1).recorded == 1
    assert made.waiting() == (0, 0)
    with analytics.subscribe_to(NatsBus(url=nats.url, subject_prefix="other", create_stream=True)):
        assert nats.run(lambda jetstream: jetstream.stream_info("ANALYTICS")).config.subjects[0] == "other.job.>"


def failure(analytics: AnalyticsService, bus: NatsBus, *families: str) -> AnalyticsError:
    with pytest.raises(AnalyticsError) as caught:
        analytics.subscribe_to(bus, families or ("job.*",))
    return caught.value


def test_what_is_not_there_is_told_without_a_password(analytics: AnalyticsService, nats: NatsServer) -> None:
    one, other = nats.stream(), nats.stream()
    nats.run(lambda jetstream: jetstream.update_stream(name=one.name, subjects=["both.job.>"]))
    nats.run(lambda jetstream: jetstream.update_stream(name=other.name, subjects=["both.task.>"]))
    at = {"url": nats.url, "connect_seconds": 2.0}

    told = [
        failure(analytics, NatsBus(url="nats://ada:s3cret@127.0.0.1:1", connect_seconds=0.3)),
        failure(analytics, NatsBus(url=nats.url.replace("s3cret", "wr0ng"), connect_seconds=0.3)),
        failure(analytics, NatsBus(url="")),
        failure(analytics, NatsBus(url=nats.url, options={"no_such": "option"})),
        failure(analytics, NatsBus(**at, subject_prefix="nobody")),
        failure(analytics, NatsBus(**at, stream="NOBODY")),
        failure(analytics, NatsBus(**at, stream="not a name")),
        failure(analytics, NatsBus(**at, subject_prefix="both"), "job.*", "task.*"),
    ]

    kinds = [
        CannotReachBus,
        CannotReachBus,
        CannotReachBus,
        CannotReachBus,
        NoStream,
        NoStream,
        CannotConsume,
        SeveralStreams,
    ]
    assert [type(each) for each in told] == kinds
    assert not any("s3cret" in str(each) or "wr0ng" in str(each) for each in told)
    assert "nats://***@127.0.0.1:1 " in str(told[0])


def test_a_consumer_of_another_kind_is_left_alone(analytics: AnalyticsService, stream: Stream) -> None:
    config = ConsumerConfig(durable_name="theirs", ack_policy=AckPolicy.NONE)
    stream.server.run(lambda jetstream: jetstream.add_consumer(stream.name, config))

    assert "not a pull consumer with explicit" in str(failure(analytics, stream.bus(durable="theirs")))


def test_a_consumer_that_is_there_is_used_with_the_subjects_asked_for(
    analytics: AnalyticsService, stream: Stream
) -> None:
    analytics.subscribe_to(stream.bus(max_in_flight=7), families=("job.*",)).close()
    stream.publish(*published(calls(30)))

    with analytics.subscribe_to(stream.bus(), families=("tool.*",)) as subscription:
        assert received(subscription, 30).recorded == 30


def test_a_handler_s_failures_are_told_and_retried(stream: Stream) -> None:
    heard: list[Message] = []

    def handler(message: Message) -> None:
        heard.append(message)
        if len(heard) < 3:
            raise ZeroDivisionError

    stream.publish(Published("job.completed"))
    consumer = stream.bus().subscribe("job.*", handler)
    eventually(lambda: len(heard) == 3)
    consumer.close()

    assert len({(each.id, each.time, each.sequence) for each in heard}) == 1


def test_an_address_is_shown_without_its_secrets() -> None:
    urls = "nats://ada:pw/@x@host:4222,tls://t0ken@other, nats://third:4222,ada:pw@fourth"

    assert NatsBus(url=urls).shown == "nats://***@host:4222,tls://***@other,nats://third:4222,***@fourth"


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['nats'] = None\n"
        "from analytics_es.errors import MissingExtra\n"
        "try:\n    import analytics_es.ingest.nats\n"
        "except MissingExtra as error: print(error)\n"
    )

    done = ran([sys.executable, "-W", "error", "-c", code])

    assert "analytics-es[nats]" in done.stdout, done.stderr


def test_the_data_of_an_event_is_as_exact_as_it_was_published(analytics: AnalyticsService, stream: Stream) -> None:
    stream.publish(Published("job.completed", b'{"value": 0.123456789012345678}'))

    with analytics.subscribe_to(stream.bus()) as subscription:
        received(subscription, 1)

    assert json.dumps(recorded(analytics)[0].data) == '{"value": "0.123456789012345678"}'
