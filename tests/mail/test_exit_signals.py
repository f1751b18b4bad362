"""Exit signals: `Ref.exit`, `trap_exit`."""

# ruff: noqa: FBT003 - `trap_exit` takes its argument as Erlang's flag does

from __future__ import annotations

import concurrent.futures

import pytest

import otp
from otp.tree.mailbox import ThreadMailbox

PATIENCE = 30.0


def boom():
    msg = "boom"
    raise ValueError(msg)


def trap(actor):
    assert actor.do(lambda: otp.trap_exit(True)) is False


def test_an_exit_signal_ends_a_runnable_with_its_reason(actors, stage):
    (a,) = actors("a")
    future = a.ref.send_request("until you end")
    a.ref.exit("enough")
    assert future.exception(PATIENCE).reason == "enough"
    assert "enough" in stage.until_dead("a").error


def test_an_exit_signal_reaches_who_does_not_receive(stage):
    def server():
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    stage.start(server=server)
    future = stage.ref("server").send_request("anything")
    stage.ref("server").exit()
    assert future.exception(PATIENCE).reason is otp.Reason.SHUTDOWN


def test_an_exit_signal_counts_for_the_restart(actors, stage):
    (a,) = actors("a", restart=otp.Restart.TRANSIENT)
    a.ref.exit("enough")
    stage.until_dead("a")
    stage.advance(1.0)
    stage.until(otp.events.Started, "root.a")


def test_an_exit_signal_of_good_order_does_nothing(actors):
    (a,) = actors("a")
    a.ref.exit(otp.Reason.NORMAL)
    assert a.do(lambda: "alive") == "alive"


def test_a_trapped_signal_tells_who_sent_it(actors):
    a, b = actors("a", "b")
    trap(b)
    a.do(lambda: b.ref.exit("from a"))
    assert b.news() == otp.Exit(a.ref, "from a")
    b.ref.exit(otp.Reason.NORMAL)
    assert b.news() == otp.Exit(None, otp.Reason.NORMAL)
    assert b.do(lambda: "alive") == "alive"


def test_kill_cannot_be_trapped_and_is_seen_as_killed(actors):
    a, b = actors("a", "b")
    trap(a)
    trap(b)
    b.do(lambda: otp.link(a.ref))
    future = a.ref.send_request("until you end")
    a.ref.exit(otp.Reason.KILL)
    assert future.exception(PATIENCE).reason is otp.Reason.KILLED
    assert b.news() == otp.Exit(a.ref, otp.Reason.KILLED)


def test_who_was_linked_to_the_killed_can_trap_that(actors):
    a, b = actors("a", "b")
    b.do(lambda: otp.link(a.ref))
    future = b.ref.send_request("until you end")
    a.ref.exit(otp.Reason.KILL)
    assert future.exception(PATIENCE).reason is otp.Reason.KILLED


def test_trap_exit_gives_what_was_before(actors):
    (a,) = actors("a")
    assert a.do(lambda: [otp.trap_exit(True), otp.trap_exit(True), otp.trap_exit(False), otp.trap_exit(False)]) == [
        False,
        True,
        True,
        False,
    ]


def test_a_new_incarnation_traps_nothing(actors, stage):
    (a,) = actors("a", restart=otp.Restart.PERMANENT)
    trap(a)
    a.end(boom)
    stage.until_dead("a")
    stage.advance(1.0)
    stage.until(otp.events.Healthy, "root.a")
    assert a.do(lambda: otp.trap_exit(False)) is False


def test_trapping_does_not_change_what_a_supervisor_asks_for(actors, stage):
    (a,) = actors("a")
    trap(a)
    assert stage.system.stop().unstopped == ()


def test_a_signal_to_nobody_is_lost(stage):
    stage.start()
    stage.ref("nobody").exit()
    assert not stage.ref("nobody").is_alive()
    assert stage.system.node("root").last_error is None


def test_a_signal_before_it_runs_ends_it_whenever_it_comes(stage):
    """It comes before the runnable has begun, or while it does: either way that ends."""
    told = concurrent.futures.Future()

    def parent():
        ref = otp.run("child", otp.wait_canceled, restart=otp.Restart.TEMPORARY)
        told.set_result(ref.send_request("until you end"))
        ref.exit("no")
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    stage.start(parent=parent)
    assert told.result(PATIENCE).exception(PATIENCE).reason == "no"


def test_an_incarnation_is_told_of_the_first_signal_that_came_before_it_ran():
    mailbox = ThreadMailbox("root.a")
    for reason in (otp.Reason.NORMAL, "first", "second"):
        assert not mailbox.signal(reason, otp.Exit(None, reason))
    assert mailbox.move_in(None) == "first"


def test_a_link_that_came_before_it_ran_counts(stage):
    """There is a ref before the child has begun; at the latest when it has ended, the link says so."""
    told = concurrent.futures.Future()

    def parent():
        otp.trap_exit(True)
        otp.link(otp.run("child", boom, restart=otp.Restart.TEMPORARY))
        told.set_result(otp.receive())
        otp.wait_canceled()

    stage.start(parent=otp.Child(parent, restart=otp.Restart.TEMPORARY))
    assert isinstance(told.result(PATIENCE).reason, (ValueError, otp.Reason))


def test_two_that_end_in_the_same_moment_both_end(actors, stage):
    for _ in range(30):
        a, b = actors("a", "b")
        a.do(lambda other=b.ref: otp.link(other))
        futures = [actor.ref.send_request("until you end") for actor in (a, b)]
        for actor in (a, b):
            actor.end(boom)
        for future in futures:
            assert isinstance(future.exception(PATIENCE).reason, ValueError)
        stage.system.stop()


def test_a_supervisor_can_be_linked(stage):
    told = concurrent.futures.Future()

    def watcher():
        otp.trap_exit(True)
        otp.link(stage.ref("supervisor"))
        otp.signal(otp.Signal.HEALTHY)
        told.set_result(otp.receive())
        otp.wait_canceled()

    def child():
        otp.signal(otp.Signal.HEALTHY)
        assert stage.gate.wait(PATIENCE)
        boom()

    supervisor = otp.Supervisor({"child": child}, max_restarts=0)
    stage.start(supervisor=otp.Child(supervisor, restart=otp.Restart.TEMPORARY), watcher=watcher)
    stage.until(otp.events.Healthy, "root.watcher")
    stage.gate.set()
    assert told.result(PATIENCE) == otp.Exit(stage.ref("supervisor"), otp.Reason.SHUTDOWN)


def test_a_server_gets_trapped_exits_and_downs_as_information(stage):
    told = concurrent.futures.Future()

    class Watcher(otp.GenServer):
        def init(self):
            self.got = []
            otp.trap_exit(True)
            otp.link(stage.ref("mortal"))
            self.monitor = otp.monitor(stage.ref("mortal"))
            otp.demonitor(otp.monitor(stage.ref("mortal")))

        def handle_info(self, message):
            self.got.append(message)
            if len(self.got) == 2:
                told.set_result((self.monitor, self.got))

    def mortal():
        otp.signal(otp.Signal.HEALTHY)
        assert stage.gate.wait(PATIENCE)
        boom()

    stage.start(mortal=otp.Child(mortal, restart=otp.Restart.TEMPORARY), watcher=Watcher)
    stage.system.wait_healthy(PATIENCE)
    stage.gate.set()
    monitor, (exit_, down) = told.result(PATIENCE)
    assert (exit_.ref, down.monitor, down.reason) == (stage.ref("mortal"), monitor, exit_.reason)


def test_a_reason_is_a_reason(stage):
    stage.start()
    with pytest.raises(TypeError, match="an exit reason is"):
        stage.ref("nobody").exit(5)


def test_signals_of_one_pair_come_in_the_order_sent(actors):
    a, b = actors("a", "b")
    trap(b)

    def write():
        for number in range(50):
            b.ref.send(number)
            b.ref.exit(str(number))

    a.do(write)
    told = [b.news() for _ in range(100)]
    assert told[::2] == list(range(50))
    assert [exit_.reason for exit_ in told[1::2]] == [str(number) for number in range(50)]


def test_what_one_has_sent_comes_before_its_end(actors):
    a, b = actors("a", "b")
    trap(b)
    b.do(lambda: otp.link(a.ref))

    def last_words():
        for number in range(50):
            b.ref.send(number)
        boom()

    a.end(last_words)
    assert [b.news() for _ in range(50)] == list(range(50))
    assert isinstance(b.news(), otp.Exit)


def test_links_made_while_the_other_ends_are_never_lost(stage):
    """Linked in time, the end is told with its reason; too late, NOPROC comes: always one of the two, and one only."""
    rounds = 100
    told = concurrent.futures.Future()
    crash = otp.Backoff(initial=0.0, jitter=0.0)

    def mortal():
        otp.signal(otp.Signal.HEALTHY)
        boom()

    def linker():
        otp.signal(otp.Signal.HEALTHY)
        otp.trap_exit(True)
        got = []
        for _ in range(rounds):
            otp.link(stage.ref("mortal"))
            got.append(otp.receive())
        told.set_result(got)
        otp.wait_canceled()

    stage.start(mortal=otp.Child(mortal, backoff=crash), linker=linker)
    got = told.result(PATIENCE)
    assert all(isinstance(letter, otp.Exit) and letter.ref == stage.ref("mortal") for letter in got)


@pytest.mark.parametrize(
    "call",
    [
        otp.link,
        otp.unlink,
        otp.monitor,
        lambda _: otp.trap_exit(True),
        lambda _: otp.demonitor(None),
    ],
)
def test_only_runnables_have_links(stage, call):
    stage.start()
    with pytest.raises(otp.NotInRunnableError):
        call(stage.ref("nobody"))
