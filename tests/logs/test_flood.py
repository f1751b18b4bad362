"""Many records from many runnables: none is lost or out of order for its node, or it is counted as lost."""

from __future__ import annotations

import threading
from collections import defaultdict

from loguru import logger

import otp

RUNNABLES = 10
LINES = 10_000


def flood(number: int, done: threading.Semaphore) -> None:
    log = otp.logger()
    for line in range(LINES):
        log.info("{} {}", number, line)  # noqa: PLE1205 - loguru's braces, not logging's
    otp.signal(otp.Signal.HEALTHY)
    done.release()
    otp.wait_canceled()


def root(done: threading.Semaphore) -> None:
    for number in range(RUNNABLES):
        otp.run(f"n{number}", flood, number, done)
    otp.signal(otp.Signal.HEALTHY)
    otp.wait_canceled()


def test_a_flood_of_100_000_lines_from_ten_runnables_comes_through_in_order_or_is_counted_as_lost():
    done = threading.Semaphore(0)
    read: dict[str, list[int]] = defaultdict(list)
    system = otp.System(root, done)
    stream = system.logs.stream()

    def reader() -> None:
        for record in stream:
            read[record.dn].append(int(record.message.split()[1]))

    thread = threading.Thread(target=reader)
    thread.start()
    with system:
        for _ in range(RUNNABLES):
            assert done.acquire(timeout=50)
    thread.join(timeout=20)

    assert all(lines == sorted(set(lines)) for lines in read.values())
    assert sum(len(lines) for lines in read.values()) + stream.missed == RUNNABLES * LINES


def test_a_stream_with_room_for_all_of_a_flood_loses_nothing():
    done = threading.Semaphore(0)
    system = otp.System(root, done)
    stream = system.logs.stream(bound=RUNNABLES * LINES)
    with system:
        for _ in range(RUNNABLES):
            assert done.acquire(timeout=50)
    read: dict[str, list[int]] = defaultdict(list)
    for record in stream:
        read[record.dn].append(int(record.message.split()[1]))

    assert stream.missed == 0
    assert read == {f"root.n{number}": list(range(LINES)) for number in range(RUNNABLES)}


def test_the_rings_keep_the_newest_of_each_node_and_the_bound_of_all():
    done = threading.Semaphore(0)
    with otp.System(root, done) as system:
        for _ in range(RUNNABLES):
            assert done.acquire(timeout=50)

    kept = system.logs.read()
    assert len(kept) == 8_192 * RUNNABLES
    assert [record.message for record in system.logs.read("root.n3", last=1)] == [f"3 {LINES - 1}"]


def test_a_sink_that_blocks_holds_up_no_death_and_no_restart():
    may_go_on, blocked = threading.Event(), threading.Event()
    began = threading.Semaphore(0)

    def sink(message: str) -> None:
        if "died" in message:
            blocked.set()
            may_go_on.wait()

    def child() -> None:
        began.release()
        if otp.current().incarnation < 5:
            raise ValueError
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    def parent() -> None:
        otp.run("child", child, backoff=otp.Backoff(initial=0.0))
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    number = logger.add(sink)
    system = otp.System(parent)
    try:
        system.start()
        for _ in range(5):
            assert began.acquire(timeout=10)
        assert blocked.wait(timeout=10)
        system.wait_healthy(timeout=10)
        may_go_on.set()
        assert system.stop().unstopped == ()
    finally:
        may_go_on.set()
        logger.remove(number)


def test_a_sink_that_fails_holds_up_nothing(capsys):
    def sink(message: str) -> None:
        raise OSError(28, "No space left on device", message)

    def parent() -> None:
        if otp.current().incarnation == 1:
            raise ValueError
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    number = logger.add(sink)
    try:
        with otp.System(parent, backoff=otp.Backoff(initial=0.0)) as system:
            system.wait_healthy(timeout=10)
            assert system.tree().incarnation == 2
    finally:
        logger.remove(number)
    assert "No space left on device" in capsys.readouterr().err
