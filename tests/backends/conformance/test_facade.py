"""The façade, called from inside runnables of each backend."""

from __future__ import annotations

import threading

import pytest
from loguru import logger

import otp


def test_run_starts_a_child_below_the_caller(stage, adapter):
    async def child(life, word):
        stage.journal.write((otp.current().dn, word))
        await life.until_canceled()

    async def script(life):
        ref = otp.run("b", adapter.runnable(child), "hello")
        stage.journal.write(ref.dn)
        await life.until_canceled()

    system = stage.play(script)
    assert {stage.journal.next(), stage.journal.next()} == {"root.a.b", ("root.a.b", "hello")}
    assert [node.dn for node in system.node("root.a").children] == ["root.a.b"]


def test_run_group_starts_its_children_in_declared_order(stage, adapter):
    async def child(life):
        await life.until_canceled()

    async def script(life):
        refs = otp.run_group({name: adapter.runnable(child) for name in ("c", "a", "b")})
        stage.journal.write([ref.dn for ref in refs.values()])
        await life.until_canceled()

    system = stage.play(script)
    assert stage.journal.next() == ["root.a.c", "root.a.a", "root.a.b"]
    started = [stage.await_event(otp.events.Started, None).dn for _ in range(5)]
    assert started[2:] == ["root.a.c", "root.a.a", "root.a.b"]
    assert [node.name for node in system.node("root.a").children] == ["c", "a", "b"]


def test_a_child_started_is_seen_in_the_tree_at_once(stage, adapter):
    seen = []
    host: list[otp.System] = []
    ready = stage.new_gate()

    async def child(life):
        await life.until_canceled()

    async def script(life):
        await life.deaf_until(ready)
        otp.run("b", adapter.runnable(child))
        seen.append([node.dn for node in host[0].node("root.a").children])
        stage.journal.write("seen")
        await life.until_canceled()

    host.append(stage.play(script))
    ready.open()
    stage.journal.next()
    assert seen == [["root.a.b"]]


@pytest.mark.parametrize("name", ["wait_canceled", "sleep"])
def test_what_blocks_is_refused_where_it_would_block_others(stage, adapter, name):
    async def script(life):
        try:
            stage.journal.write(getattr(otp, name)(0))
        except otp.BlockingCallError as error:
            stage.journal.write(str(error))
        await life.until_canceled()

    stage.play(script)
    answer = stage.journal.next()
    if adapter.blocks:
        assert answer is (False if name == "wait_canceled" else None)
    else:
        assert answer.startswith(f"{name} would block the event loop")


def test_records_carry_the_node_and_its_incarnation(stage):
    records = []
    sink = logger.add(lambda message: records.append(message.record), format="{message}")

    async def script(life):
        otp.logger().info("hello")
        otp.signal(otp.Signal.HEALTHY)
        await life.until_canceled()

    try:
        system = stage.play(script)
        stage.await_event(otp.events.Healthy)
        system.restart("root.a")
        stage.await_event(otp.events.Healthy)
    finally:
        logger.remove(sink)
    mine = [record["extra"] for record in records if record["message"] == "hello"]
    assert [(extra["dn"], extra["incarnation"]) for extra in mine] == [("root.a", 1), ("root.a", 2)]


def test_fencing_tokens_grow_over_incarnations_of_node_and_parent(stage, adapter):
    async def child(life):
        stage.journal.write(otp.current().fencing_token)
        otp.signal(otp.Signal.HEALTHY)
        await life.until_canceled()

    async def script(life):
        otp.run("b", adapter.runnable(child))
        otp.signal(otp.Signal.HEALTHY)
        await life.until_canceled()

    system = stage.play(script)
    tokens = [stage.journal.next()]
    for dn in ("root.a.b", "root.a", "root"):
        system.restart(dn)
        tokens.append(stage.journal.next())
    assert tokens == sorted(set(tokens))


def test_bind_carries_the_context_into_a_thread(stage):
    async def script(life):
        thread = threading.Thread(target=otp.bind(lambda: stage.journal.write(otp.current().dn)))
        thread.start()
        thread.join()
        await life.until_canceled()

    stage.play(script)
    assert stage.journal.next() == "root.a"


def test_a_thread_without_bind_belongs_to_no_node(stage):
    def elsewhere():
        with pytest.raises(otp.NotInRunnableError, match=r"otp\.bind"):
            otp.current()
        stage.journal.write("refused")

    async def script(life):
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        await life.until_canceled()

    stage.play(script)
    assert stage.journal.next() == "refused"


def test_a_helper_of_an_earlier_incarnation_is_stale_and_does_no_harm(stage):
    """R10: by identity, so that it is stale although its node is alive again."""
    helpers = []

    def help_out(call):
        try:
            return call()
        except otp.StaleIncarnationError as error:
            return str(error)

    async def script(life):
        helpers.append(otp.bind(help_out))
        otp.signal(otp.Signal.HEALTHY)
        await life.until_canceled()

    system = stage.play(script)
    stage.await_event(otp.events.Healthy)
    system.restart("root.a")
    assert stage.await_event(otp.events.Healthy).incarnation == 2
    old, stale = helpers[0], "incarnation 1 of root.a has ended"
    assert old(lambda: otp.signal(otp.Signal.DONE)) == stale
    assert old(lambda: otp.run("b", print)) == stale
    assert old(otp.canceled) is True
    assert old(lambda: (otp.current().dn, otp.current().incarnation)) == ("root.a", 1)
    assert old(lambda: otp.logger().debug("late")) is None
    node = system.node("root.a")
    assert (node.state, node.children) == (otp.NodeState.HEALTHY, ())
