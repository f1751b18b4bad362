"""Links: `link`, `unlink`, and who dies of whom."""

# ruff: noqa: FBT003 - `trap_exit` takes its argument as Erlang's flag does

from __future__ import annotations

import otp

PATIENCE = 30.0


def boom():
    msg = "boom"
    raise ValueError(msg)


def done():
    otp.signal(otp.Signal.DONE)
    raise otp.tree.ends.Exiting(otp.Reason.NORMAL)


def trap(actor):
    assert actor.do(lambda: otp.trap_exit(True)) is False


# --- links ---


def test_an_end_takes_the_linked_along_with_the_same_reason(actors):
    a, b, c = actors("a", "b", "c")
    b.do(lambda: otp.link(a.ref))
    c.do(lambda: otp.link(b.ref))
    futures = [actor.ref.send_request("until you end") for actor in (a, b, c)]
    a.end(boom)
    reasons = [future.exception(PATIENCE).reason for future in futures]
    assert isinstance(reasons[0], ValueError)
    assert reasons[1] is reasons[0]
    assert reasons[2] is reasons[0]


def test_a_link_goes_both_ways(actors):
    a, b = actors("a", "b")
    b.do(lambda: otp.link(a.ref))
    future = a.ref.send_request("until you end")
    b.end(boom)
    assert isinstance(future.exception(PATIENCE).reason, ValueError)


def test_who_was_taken_along_is_dead(actors, stage):
    a, b = actors("a", "b")
    b.do(lambda: otp.link(a.ref))
    a.end(boom)
    died = {stage.until_dead("a").dn, stage.until(otp.events.Died, "root.b").dn}
    assert died == {"root.a", "root.b"}


def test_a_trapped_end_is_a_message(actors):
    a, b = actors("a", "b")
    trap(b)
    b.do(lambda: otp.link(a.ref))
    a.end(boom)
    exit_ = b.news()
    assert isinstance(exit_, otp.Exit)
    assert exit_.ref == a.ref
    assert isinstance(exit_.reason, ValueError)
    assert b.nothing_more()


def test_the_first_of_the_two_to_end_is_the_only_one_told_of(actors):
    a, b = actors("a", "b")
    trap(a)
    trap(b)
    a.do(lambda: otp.link(b.ref))
    a.end(boom)
    assert b.news().ref == a.ref
    assert b.nothing_more()


def test_an_end_in_good_order_takes_nobody_along(actors, stage):
    a, b = actors("a", "b")
    b.do(lambda: otp.link(a.ref))
    a.end(done)
    stage.until(otp.events.Done, "root.a")
    assert b.do(lambda: "alive") == "alive"
    assert b.nothing_more()


def test_an_end_in_good_order_is_told_where_exits_are_trapped(actors):
    a, b = actors("a", "b")
    trap(b)
    b.do(lambda: otp.link(a.ref))
    a.end(done)
    assert b.news() == otp.Exit(a.ref, otp.Reason.NORMAL)


def test_two_are_linked_once(actors):
    a, b = actors("a", "b")
    trap(b)
    b.do(lambda: otp.link(a.ref))
    b.do(lambda: otp.link(a.ref))
    a.do(lambda: otp.link(b.ref))
    a.end(boom)
    b.news()
    assert b.nothing_more()


def test_a_link_to_oneself_is_none(actors):
    (a,) = actors("a")
    trap(a)
    a.do(lambda: otp.link(a.ref))
    assert a.do(lambda: "alive") == "alive"
    assert a.nothing_more()


def test_a_link_to_nobody_is_an_exit_signal(actors, stage):
    a, b = actors("a", "b")
    trap(a)
    a.do(lambda: otp.link(stage.ref("nobody")))
    assert a.news() == otp.Exit(stage.ref("nobody"), otp.Reason.NOPROC)
    b.end(lambda: otp.link(stage.ref("nobody")))
    assert end_of_dead(b, stage) == "noproc"


def end_of_dead(actor, stage):
    return stage.until_dead(actor.ref.name).error.rpartition(": ")[2]


def test_a_caller_of_who_ends_by_a_link_to_nobody_is_told_of_its_end(actors, stage):
    (a,) = actors("a")
    future = a.ref.send_request("until you end")
    a.end(lambda: otp.link(stage.ref("nobody")))
    error = future.exception(PATIENCE)
    assert isinstance(error, otp.ServerExitError)
    assert error.reason is otp.Reason.NOPROC


def test_a_link_ends_with_an_incarnation(actors, stage):
    a, b = actors("a", "b", restart=otp.Restart.PERMANENT)
    trap(b)
    b.do(lambda: otp.link(a.ref))
    a.end(boom)
    b.news()
    stage.until_dead("a")
    stage.advance(1.0)
    stage.until(otp.events.Healthy, "root.a")
    a.end(boom)
    stage.until_dead("a")
    assert b.nothing_more()


def test_a_link_by_a_current_ref_is_with_that_incarnation_only(actors, stage):
    a, b = actors("a", "b", restart=otp.Restart.PERMANENT)
    trap(b)
    first = a.do(otp.current)
    b.do(lambda: otp.link(first))
    a.end(boom)
    assert isinstance(b.news().reason, ValueError)
    stage.until_dead("a")
    stage.advance(10.0)
    stage.until(otp.events.Healthy, "root.a")
    b.do(lambda: otp.link(first))
    assert b.news() == otp.Exit(first, otp.Reason.NOPROC)
    assert not a.ref._home().ties


def test_a_link_to_ones_own_predecessor_is_one_to_nobody(actors, stage):
    (a,) = actors("a", restart=otp.Restart.PERMANENT)
    first = a.do(otp.current)
    a.end(boom)
    stage.until_dead("a")
    stage.advance(10.0)
    stage.until(otp.events.Healthy, "root.a")
    trap(a)
    a.do(lambda: otp.link(first))
    assert a.news() == otp.Exit(first, otp.Reason.NOPROC)


def test_each_incarnation_can_be_linked_anew(actors, stage):
    a, b = actors("a", "b", restart=otp.Restart.PERMANENT)
    trap(b)
    for _ in range(3):
        b.do(lambda: otp.link(a.ref))
        a.end(boom)
        assert b.news().ref == a.ref
        stage.until_dead("a")
        stage.advance(10.0)
        stage.until(otp.events.Healthy, "root.a")
    assert not b.ref._home().ties


def test_links_of_the_dead_leave_nothing_behind(actors, stage):
    a, b, c = actors("a", "b", "c")
    c.do(lambda: otp.link(a.ref))
    c.do(lambda: otp.link(b.ref))
    a.end(done)
    stage.until(otp.events.Done, "root.a")
    b.do(lambda: otp.unlink(c.ref))
    assert not c.ref._home().ties
    assert not b.ref._home().ties


# --- unlink ---


def test_who_is_not_linked_any_more_is_not_taken_along(actors, stage):
    a, b = actors("a", "b")
    b.do(lambda: otp.link(a.ref))
    b.do(lambda: otp.unlink(a.ref))
    a.end(boom)
    stage.until_dead("a")
    assert b.do(lambda: "alive") == "alive"


def test_the_other_may_unlink_too(actors, stage):
    a, b = actors("a", "b")
    b.do(lambda: otp.link(a.ref))
    a.do(lambda: otp.unlink(b.ref))
    a.end(boom)
    stage.until_dead("a")
    assert b.do(lambda: "alive") == "alive"


def test_unlink_of_who_is_not_linked_does_nothing(actors, stage):
    (a,) = actors("a")
    a.do(lambda: otp.unlink(stage.ref("nobody")))
    a.do(lambda: otp.unlink(a.ref))
    assert a.do(lambda: "alive") == "alive"


def test_an_exit_that_waits_is_not_delivered_after_unlink(actors, stage):
    b, a = actors("b", threads=("a",), restart=otp.Restart.PERMANENT)
    trap(b)

    def end_and_unlink():
        for _ in range(2):  # of two incarnations
            otp.link(a.ref)
            a.end(boom)
            stage.until_dead("a")
            stage.advance(10.0)
            stage.until(otp.events.Started, "root.a")
        otp.unlink(a.ref)

    b.do(end_and_unlink)
    assert b.nothing_more()
    assert not b.ref._home().ties


def test_exits_of_two_incarnations_that_wait_are_both_delivered(actors, stage):
    b, a = actors("b", threads=("a",), restart=otp.Restart.PERMANENT)
    trap(b)

    def end_twice():
        for _ in range(2):
            otp.link(a.ref)
            a.end(boom)
            stage.until_dead("a")
            stage.advance(10.0)
            stage.until(otp.events.Started, "root.a")

    b.do(end_twice)
    assert [b.news().ref, b.news().ref] == [a.ref, a.ref]
    assert b.nothing_more()
    assert not b.ref._home().ties


def test_a_link_made_after_unlink_counts(actors):
    a, b = actors("a", "b")
    trap(b)
    b.do(lambda: (otp.link(a.ref), otp.unlink(a.ref), otp.link(a.ref)))
    a.end(boom)
    assert b.news().ref == a.ref
