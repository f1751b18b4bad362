"""Names: `register`, `unregister`, `whereis`, `registered`; refs by DN and by name."""

from __future__ import annotations

import concurrent.futures

import pytest

import otp

PATIENCE = 30.0


def boom():
    msg = "boom"
    raise ValueError(msg)


class CounterRef(otp.Ref):
    """A ref with methods of its own."""

    def count(self):
        return self.send_request("count")


# --- refs ---


def test_a_system_gives_refs_to_those_outside(actors, stage):
    (a,) = actors("a")
    ref = stage.system.ref("root.a")
    assert ref == a.ref
    assert ref.call(a.request(lambda: 42)) == (True, 42)
    assert stage.system.ref("root").is_alive()


def test_a_runnable_gets_refs_of_its_own_system(actors, stage):
    a, b = actors("a", "b")
    assert a.do(lambda: otp.ref("root.b")) == b.ref
    assert a.do(lambda: otp.ref("root.nobody")) == stage.ref("nobody")


def test_a_ref_may_be_of_a_kind_of_its_own(actors, stage):
    (a,) = actors("a")
    for ref in (stage.system.ref("root.a", CounterRef), a.do(lambda: otp.ref("root.a", CounterRef))):
        assert type(ref) is CounterRef
        future = ref.count()
        otp.reply(a.news().sender, 5)
        assert future.result(PATIENCE) == 5
        assert ref == a.ref
        assert repr(ref) == "<CounterRef root.a>"


def test_a_ref_is_made_of_text(stage):
    system = stage.start()
    with pytest.raises(TypeError, match="a DN or name is a str, not int"):
        system.ref(5)


def test_a_ref_by_name_is_looked_up_at_each_use(actors, stage):
    a, b = actors("a", "b")
    ref = stage.system.ref("boss")
    assert not ref.is_alive()
    with pytest.raises(otp.NoProcessError):
        ref.call("anything")
    ref.send("lost")
    ref.cast("lost")
    a.do(lambda: otp.register("boss"))
    assert ref.call(a.request(lambda: otp.current().dn)) == (True, "root.a")
    a.do(lambda: otp.unregister("boss"))
    b.do(lambda: otp.register("boss"))
    assert ref.call(a.request(lambda: otp.current().dn)) == (True, "root.b")
    ref.send("hello")
    ref.cast("do it")
    assert [b.news(), b.news()] == ["hello", otp.CastMessage("do it")]
    assert ref == stage.system.ref("boss")
    assert ref != b.ref


def test_a_ref_by_name_can_be_linked_and_monitored(actors, stage):
    a, b = actors("a", "b")
    b.do(lambda: otp.register("boss"))
    ref = stage.system.ref("boss")
    monitor = a.do(lambda: otp.monitor(ref))
    a.do(lambda: (otp.link(ref), otp.link(b.ref), otp.unlink(ref)))
    b.end(boom)
    down = a.news()
    assert (down.monitor, down.ref) == (monitor, ref)
    assert a.nothing_more()


def test_a_server_that_calls_itself_by_name_is_told(stage):
    told = concurrent.futures.Future()

    def server():
        otp.register("me")
        with pytest.raises(otp.CallingSelfError) as caught:
            otp.ref("me").call("anything")
        told.set_result(caught.value)
        otp.wait_canceled()

    stage.start(server=server)
    assert told.result(PATIENCE).ref == stage.system.ref("me")


# --- names ---


def test_a_name_leads_to_who_has_it(actors):
    a, b = actors("a", "b")
    a.do(lambda: otp.register("boss"))
    a.do(lambda: otp.register("clerk", b.ref))
    assert b.do(lambda: (otp.whereis("boss"), otp.whereis("clerk"), otp.whereis("nobody"))) == (a.ref, b.ref, None)
    assert b.do(otp.registered) == ["boss", "clerk"]


def test_a_name_is_given_once(actors):
    a, b = actors("a", "b")
    a.do(lambda: otp.register("boss"))
    with pytest.raises(otp.AlreadyRegisteredError, match=r"'boss' is the name of root\.a") as caught:
        b.do(lambda: otp.register("boss"))
    assert caught.value.ref == a.ref


def test_nobody_has_two_names(actors):
    a, b = actors("a", "b")
    a.do(lambda: otp.register("boss"))
    for call in (lambda: otp.register("clerk"), lambda: otp.register("clerk", a.ref)):
        with pytest.raises(otp.AlreadyRegisteredError, match=r"root\.a has a name already: 'boss'") as caught:
            (a if call.__code__.co_freevars == () else b).do(call)
        assert caught.value.ref == a.ref
    assert b.do(lambda: otp.whereis("clerk")) is None


def test_a_name_that_was_taken_away_is_free(actors):
    a, b = actors("a", "b")
    a.do(lambda: otp.register("boss"))
    b.do(lambda: otp.unregister("boss"))
    assert b.do(otp.registered) == []
    b.do(lambda: otp.register("boss"))
    a.do(lambda: otp.register("clerk"))
    assert a.do(lambda: otp.whereis("boss")) == b.ref


def test_a_name_that_nobody_has_cannot_be_taken_away(actors):
    (a,) = actors("a")
    with pytest.raises(otp.NotRegisteredError, match="nobody is registered as 'boss'"):
        a.do(lambda: otp.unregister("boss"))


def test_the_dead_get_no_name(actors, stage):
    a, b = actors("a", "b")
    b.end(boom)
    stage.until_dead("b")
    for ref in (b.ref, stage.ref("nobody")):
        with pytest.raises(otp.NoProcessError):
            a.do(lambda ref=ref: otp.register("boss", ref))
    assert a.do(otp.registered) == []


@pytest.mark.parametrize("name", ["root", "root.a", "", "a b", "ä", "a" * 65, 5, None])
def test_not_everything_is_a_name(actors, name):
    (a,) = actors("a")
    with pytest.raises(otp.InvalidNameError, match="cannot be registered"):
        a.do(lambda: otp.register(name))


def test_a_node_of_another_system_has_no_name_in_this_one(actors, stage):
    (a,) = actors("a")
    with otp.System(stage_root) as other, pytest.raises(ValueError, match="of another system"):
        a.do(lambda: otp.register("boss", other.ref("root")))


def stage_root():
    otp.signal(otp.Signal.HEALTHY)
    otp.wait_canceled()


def test_a_name_is_free_before_the_end_is_told(actors):
    a, b = actors("a", "b", restart=otp.Restart.PERMANENT)
    a.do(lambda: otp.register("boss"))
    b.do(lambda: (otp.monitor(a.ref), otp.trap_exit(True), otp.link(a.ref)))  # noqa: FBT003 - as in Erlang
    waits = a.ref.send_request("until you end")
    a.end(boom)
    waits.exception(PATIENCE)
    assert b.do(lambda: otp.whereis("boss")) is None
    b.news()
    b.do(lambda: otp.register("boss"))


def test_a_new_incarnation_has_no_name(actors, stage):
    (a,) = actors("a", restart=otp.Restart.PERMANENT)
    a.do(lambda: otp.register("boss"))
    a.end(boom)
    stage.until_dead("a")
    stage.advance(1.0)
    stage.until(otp.events.Healthy, "root.a")
    assert a.do(otp.registered) == []
    a.do(lambda: otp.register("boss"))
    assert a.do(lambda: otp.whereis("boss")) == a.ref


def test_a_child_that_starts_can_have_a_name(stage):
    told = concurrent.futures.Future()

    def child():
        told.set_result(otp.receive())
        otp.wait_canceled()

    def parent():
        otp.register("boss", otp.run("child", child))
        otp.signal(otp.Signal.HEALTHY)
        otp.ref("boss").send("welcome")
        otp.wait_canceled()

    stage.start(parent=parent)
    assert told.result(PATIENCE) == "welcome"


def test_names_given_while_their_owners_end_are_never_kept(stage):
    told = concurrent.futures.Future()

    def mortal():
        otp.signal(otp.Signal.HEALTHY)
        boom()

    def registrar():
        otp.signal(otp.Signal.HEALTHY)
        given = 0
        for _ in range(300):
            ref = stage.ref("mortal")
            try:
                otp.register("mortal", ref)
                given += 1
            except otp.NoProcessError:
                continue
            except otp.AlreadyRegisteredError as error:
                told.set_exception(error)
                raise
            monitor = otp.monitor(
                ref
            )  # after it was named: a successor could have been, and nobody would tell of that end
            while otp.whereis("mortal") is not None:
                otp.receive()  # its end
            otp.demonitor(monitor)
        told.set_result(given)
        otp.wait_canceled()

    stage.start(mortal=otp.Child(mortal, backoff=otp.Backoff(initial=0.0, jitter=0.0)), registrar=registrar)
    assert told.result(PATIENCE) >= 0
    stage.system.stop()
    assert not stage.system.directory.names
    assert not stage.system.directory.homes


@pytest.mark.parametrize(
    "call",
    [
        lambda: otp.ref("root"),
        lambda: otp.register("boss"),
        lambda: otp.unregister("boss"),
        lambda: otp.whereis("boss"),
        otp.registered,
    ],
)
def test_only_runnables_ask_for_names(call):
    with pytest.raises(otp.NotInRunnableError):
        call()
