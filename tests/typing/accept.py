"""What type checkers must accept, and what they must know about it.

Checked by `mypy tests/typing` and `basedpyright tests/typing`; `reject.py` is the other half. Tests run `root` and what is
below `supervised` too.
"""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, assert_never, assert_type

import otp
from otp import events

from .runnables import (
    AsyncServer,
    AsyncService,
    Counter,
    CounterRef,
    DefaultServer,
    Get,
    Idle,
    KnownDefaultServer,
    PlainServer,
    Service,
    SilentServer,
    Tally,
    all_default,
    awaits,
    awaits_default,
    default,
    gives,
    keyword,
    many,
    one,
    plain,
    required_keyword,
    two,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


def root() -> None:
    """Every way to start children."""
    # Arguments of functions
    assert_type(otp.run("plain", plain), otp.Ref)
    otp.run("one", one, 1)
    otp.run("two", two, 1, "text")
    otp.run("default", default, 1)
    otp.run("default-given", default, 1, "text")
    otp.run("many", many, 1, 2)
    otp.run("many-none", many)
    otp.run("keyword", keyword, 1)
    otp.run("gives", gives, 1)
    otp.run("awaits", awaits, 1)
    otp.run("awaits-default", awaits_default)
    otp.run("lambda", lambda: one(1))
    otp.run("lambda-one", lambda number: two(number, ""), 1)

    # Of methods, objects, classes and partials
    service = Service(0)
    otp.run("method", service.method, 1)
    otp.run("method-awaits", service.awaits, 1)
    otp.run("object", service, 1)
    otp.run("object-awaits", AsyncService(), 1)
    otp.run("class", Service, 1)
    otp.run("of-class", Service.of_class, 1)
    otp.run("of-nothing", Service.of_nothing, 1)
    otp.run("partial", partial(two, 1), "text")
    otp.run("partial-full", partial(two, 1, "text"))
    otp.run("partial-keyword", partial(required_keyword, text="text"), 1)

    # Servers: their arguments are those of `init`, and what is given is the ref that they name
    assert_type(otp.run("counter", Counter, 1), CounterRef)
    assert_type(otp.run("counter-two", Counter, 1, "text"), CounterRef)
    assert_type(otp.run("counter-options", Counter, 1, restart=otp.Restart.TRANSIENT), CounterRef)
    assert_type(otp.run("known-default", KnownDefaultServer), CounterRef)
    assert_type(otp.run("known-default-given", KnownDefaultServer, 2), CounterRef)
    assert_type(otp.run("async-server", AsyncServer, 1), CounterRef)
    assert_type(otp.run("plain-server", PlainServer, 1), otp.Ref)
    assert_type(otp.run("default-server", DefaultServer), otp.Ref)
    assert_type(otp.run("default-server-given", DefaultServer, 1), otp.Ref)
    otp.run_group({"s1": DefaultServer, "s2": otp.Child(Counter, 1), "s3": otp.Child(PlainServer, 1, shutdown=1)})

    # Options
    otp.run("options", one, 1, restart=otp.Restart.TRANSIENT, shutdown=2, significant=True, start_timeout=None)
    otp.run("brutal", default, 1, shutdown=otp.BRUTAL_KILL, backoff=otp.Backoff(initial=1, jitter=0))
    otp.run("for-ever", default, 1, "text", shutdown=None)

    # Groups
    assert_type(
        otp.run_group({"g1": plain, "g2": otp.Child(one, 1), "g3": partial(one, 1), "g4": otp.Child(default, 1)}),
        dict[str, otp.Ref],
    )
    otp.run_group({"h1": all_default, "h2": awaits_default}, strategy=otp.Strategy.REST_FOR_ONE)
    children = {"i1": otp.Child(one, 1), "i2": otp.Child(two, 1, "text")}
    otp.run_group(children)
    functions: dict[str, Callable[[], None]] = {"j1": plain}
    otp.run_group(functions)
    coroutines: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {"k1": awaits_default}
    otp.run_group(coroutines)

    kinds_of_children()
    otp.signal(otp.Signal.HEALTHY)
    otp.signal(otp.Signal.DONE)


def kinds_of_children() -> None:
    """Children with refs of different kinds."""
    kinds = {"l1": otp.Child(Counter, 1), "l2": otp.Child(plain)}
    otp.run_group(kinds)
    said: dict[str, otp.Child] = {
        "m1": otp.Child(Counter, 1),
        "m2": otp.Child(plain),
        "m3": otp.Child(KnownDefaultServer),
    }
    otp.run_group(said)


def inside() -> None:
    """What a runnable gets."""
    assert_type(otp.canceled(), bool)
    assert_type(otp.wait_canceled(1), bool)
    assert_type(otp.current(), otp.CurrentRef)
    assert_type(otp.current().fencing_token, int)
    assert_type(otp.current().dn, str)
    otp.logger().info("text")

    bound = otp.bind(two)
    assert_type(bound(1, "text"), None)
    bound(number=1, text="text")
    assert_type(otp.bind(gives)(1), str)
    assert_type(otp.bind(Service)(1), Service)


def served() -> None:
    """A server that needs no argument and does not end."""
    assert_type(otp.run("silent-server", SilentServer), otp.Ref)
    assert_type(otp.run_group({"silent": SilentServer}), dict[str, otp.Ref])


def supervised() -> None:
    """What is found by name or DN, is monitored, and gets mail later; and a supervisor that says itself what its ref is."""
    assert_type(otp.run("supervisor", otp.Supervisor({"a": otp.Supervisor()})), otp.SupervisorRef)
    assert_type(otp.run("dynamic", otp.DynamicSupervisor()), otp.DynamicSupervisorRef)
    assert_type(otp.run("extra", otp.DynamicSupervisor(extra_arguments=(1,))), otp.DynamicSupervisorRef)
    partitions = otp.run("partitions", otp.PartitionSupervisor(otp.Child(Tally, 1), partitions=2))
    assert_type(partitions, otp.PartitionSupervisorRef[CounterRef])
    assert_type(partitions.partition("key"), CounterRef)
    otp.run_group(
        {"supervisor-2": otp.Supervisor(), "dynamic-2": otp.Child(otp.DynamicSupervisor(), significant=False)}
    )
    tally = otp.run("tally", Tally, 2)
    assert_type(tally, CounterRef)
    assert_type(otp.run("idle", Idle), CounterRef)
    assert_type(otp.run("bounded", Tally, 3, mailbox=otp.MailboxLimit(10, otp.Overflow.FAIL)), CounterRef)

    assert_type(otp.ref("root.tally"), otp.Ref)
    assert_type(otp.ref("root.tally", CounterRef), CounterRef)
    assert_type(otp.ref("root.tally", CounterRef).get(), int)
    otp.register("main")
    assert_type(otp.whereis("main"), otp.Ref | None)
    assert_type(otp.registered(), list[str])
    otp.unregister("main")

    watch = otp.monitor(tally)
    assert_type(watch, otp.Monitor)
    assert_type(otp.demonitor(watch), None)
    assert_type(otp.trap_exit(on=True), bool)
    otp.link(tally)
    otp.unlink(tally)
    timer = otp.send_after(tally, "late", 3600)
    assert_type(timer, otp.Timer)
    assert_type(otp.read_timer(timer), float | None)
    assert_type(otp.cancel_timer(timer), float | None)
    assert_type(otp.send_interval(otp.current(), "often", 3600.0), otp.Timer)

    otp.signal(otp.Signal.HEALTHY)
    otp.wait_canceled()


def supervisors() -> list[object]:
    """How they are written."""
    children = {"a": otp.Child(Tally, 1), "b": otp.Child(plain)}
    return [
        otp.Supervisor(),
        otp.Supervisor({"a": Idle, "b": otp.Child(Tally, 1), "c": plain, "d": awaits_default}),
        otp.Supervisor({"a": partial(one, 1)}, strategy=otp.Strategy.REST_FOR_ONE, max_restarts=0, max_seconds=1),
        otp.Supervisor(
            {"a": otp.Child(Tally, 1, significant=True, restart=otp.Restart.TRANSIENT)},
            auto_shutdown=otp.AutoShutdown.ANY_SIGNIFICANT,
        ),
        otp.DynamicSupervisor(),
        otp.DynamicSupervisor(max_restarts=1, max_seconds=0.5, max_children=None, extra_arguments=(1, "text")),
        otp.PartitionSupervisor(Idle),
        otp.PartitionSupervisor(
            otp.Child(Tally, 1), partitions=4, with_arguments=lambda args, number: (*args, number)[1:]
        ),
        otp.PartitionSupervisor(plain, partitions=1, strategy=otp.Strategy.ONE_FOR_ALL),
        otp.Supervisor(children),
        otp.Supervisor({"a": otp.Supervisor(), "b": otp.DynamicSupervisor(), "c": otp.PartitionSupervisor(plain)}),
        otp.Supervisor({"a": otp.Child(otp.Supervisor({"a": plain}), restart=otp.Restart.TRANSIENT), "b": plain}),
        otp.PartitionSupervisor(otp.DynamicSupervisor(max_children=2)),
        otp.Child(otp.Supervisor()),
    ]


def kinds() -> None:
    """Of which kind the ref of a child will be."""
    assert_type(otp.Child(Tally, 1), otp.Child[CounterRef])
    assert_type(otp.Child(Counter, 1, "text", shutdown=1), otp.Child[CounterRef])
    assert_type(otp.Child(Idle), otp.Child[CounterRef])
    assert_type(otp.Child(KnownDefaultServer), otp.Child[CounterRef])
    assert_type(otp.Child(PlainServer, 1), otp.Child[otp.Ref])
    assert_type(otp.Child(DefaultServer), otp.Child[otp.Ref])
    assert_type(otp.Child(plain), otp.Child[otp.Ref])
    assert_type(otp.Child(one, 1), otp.Child)
    assert_type(otp.Child(otp.Supervisor()), otp.Child[otp.SupervisorRef])
    assert_type(otp.PartitionSupervisor(Idle), otp.PartitionSupervisor[CounterRef])
    assert_type(otp.PartitionSupervisor(plain), otp.PartitionSupervisor[otp.Ref])
    assert_type(
        otp.Child(otp.PartitionSupervisor(otp.DynamicSupervisor())),
        otp.Child[otp.PartitionSupervisorRef[otp.DynamicSupervisorRef]],
    )


def asks_supervisor(supervisor: otp.SupervisorRef) -> None:
    """Everything that a supervisor is asked, in an order that works."""
    assert_type(supervisor.start_child("idle", Idle), CounterRef | None)
    assert_type(supervisor.start_child("tally", otp.Child(Tally, 1, shutdown=1)), CounterRef | None)
    assert_type(supervisor.start_child("silent", SilentServer), otp.Ref | None)
    inner = supervisor.start_child("inner", otp.Supervisor())
    assert_type(inner, otp.SupervisorRef | None)
    if inner is not None:
        assert_type(inner.start_child("dynamic", otp.DynamicSupervisor()), otp.DynamicSupervisorRef | None)
        divided = inner.start_child("divided", otp.PartitionSupervisor(Idle, partitions=2))
        assert_type(divided, otp.PartitionSupervisorRef[CounterRef] | None)
    for name in ("silent", "inner"):
        supervisor.terminate_child(name)
        supervisor.delete_child(name)
    assert_type(supervisor.terminate_child("tally"), None)
    assert_type(supervisor.restart_child("tally"), otp.Ref | None)
    assert_type(supervisor.get_childspec("tally"), otp.Child)
    assert_type(supervisor.count_children(), otp.ChildCounts)
    assert_type(supervisor.count_children().active, int)
    for name, info in supervisor.which_children().items():
        assert_type(name, str)
        assert_type(info, otp.ChildInfo)
        assert_type(info.ref, otp.Ref | None)
        assert_type(info.state, otp.ChildState)
        assert_type(info.type, otp.ChildType)
    supervisor.terminate_child("idle")
    assert_type(supervisor.delete_child("idle"), None)


def asks_dynamic_supervisor(dynamic: otp.DynamicSupervisorRef) -> None:
    """The same of the one whose children come and go."""
    child = dynamic.start_child(Idle)
    assert_type(child, CounterRef | None)
    tally = dynamic.start_child(otp.Child(Tally, 1, restart=otp.Restart.TEMPORARY), name="tally")
    assert_type(tally, CounterRef | None)
    silent = dynamic.start_child(SilentServer)
    assert_type(silent, otp.Ref | None)
    inner = dynamic.start_child(otp.Supervisor())
    assert_type(inner, otp.SupervisorRef | None)
    for each in (silent, inner):
        if each is not None:
            dynamic.terminate_child(each)
    assert_type(dynamic.which_children(), list[otp.ChildInfo])
    assert_type(dynamic.count_children(), otp.ChildCounts)
    if child is not None:
        assert_type(dynamic.terminate_child(child), None)


def asks_dynamic_supervisor_with_arguments(dynamic: otp.DynamicSupervisorRef) -> None:
    """And of one that puts an argument before those of its children."""
    server: Callable[..., object] = Tally
    assert_type(dynamic.start_child(server), otp.Ref | None)
    assert_type(dynamic.start_child(otp.Child(server, restart=otp.Restart.TEMPORARY)), otp.Ref | None)


def asks_partitions(partitions: otp.PartitionSupervisorRef, tallies: otp.PartitionSupervisorRef[CounterRef]) -> None:
    """And of the one that is asked for a partition."""
    assert_type(partitions.partitions, int)
    assert_type(partitions, otp.PartitionSupervisorRef[otp.Ref])
    assert_type(partitions.partition("key"), otp.Ref)
    assert_type(tallies.partition("key"), CounterRef)
    assert_type(tallies.partition(1).get(), int)
    assert_type(partitions.partition(("key", 1)).call(Get()), int)
    assert_type(partitions.count_children(), otp.ChildCounts)


async def awaits_supervisors(
    supervisor: otp.SupervisorRef, dynamic: otp.DynamicSupervisorRef, partitions: otp.PartitionSupervisorRef
) -> None:
    """The same on an event loop."""
    assert_type(await supervisor.astart_child("again", Idle), CounterRef | None)
    assert_type(await supervisor.astart_child("silent", SilentServer), otp.Ref | None)
    assert_type(await supervisor.astart_child("inner", otp.Child(otp.Supervisor())), otp.SupervisorRef | None)
    for name in ("silent", "inner"):
        await supervisor.aterminate_child(name)
        await supervisor.adelete_child(name)
    assert_type(await supervisor.awhich_children(), dict[str, otp.ChildInfo])
    assert_type(await supervisor.acount_children(), otp.ChildCounts)
    assert_type(await supervisor.aget_childspec("again"), otp.Child)
    assert_type(await supervisor.aterminate_child("again"), None)
    assert_type(await supervisor.arestart_child("again"), otp.Ref | None)
    await supervisor.aterminate_child("again")
    assert_type(await supervisor.adelete_child("again"), None)
    child = await dynamic.astart_child(otp.Child(Tally, 1), name="again")
    assert_type(child, CounterRef | None)
    assert_type(await dynamic.astart_child(Idle, name="idle"), CounterRef | None)
    silent = await dynamic.astart_child(SilentServer)
    assert_type(silent, otp.Ref | None)
    if silent is not None:
        await dynamic.aterminate_child(silent)
    assert_type(await dynamic.awhich_children(), list[otp.ChildInfo])
    if child is not None:
        assert_type(await dynamic.aterminate_child(child), None)
    assert_type(await partitions.acount_children(), otp.ChildCounts)


def calls(counter: CounterRef, other: otp.Ref) -> None:
    """What requests are replied with."""
    assert_type(counter.call(Get()), int)
    assert_type(counter.call(Get(), timeout=1), int)
    assert_type(counter.get(), int)
    assert_type(counter.send_request(Get()), Future[int])
    assert_type(counter.send_request(Get()).result(timeout=1), int)
    future: Future[str] = other.send_request("get")
    assert_type(future.result(timeout=1), str)
    any_reply: str = other.call("get")
    assert_type(any_reply, str)
    assert_type(other.stop(otp.Reason.SHUTDOWN, timeout=None), None)
    assert_type(other.stop(otp.Shutdown("enough")), None)
    assert_type(other.stop(ValueError("enough")), None)
    assert_type(other.is_alive(), bool)


async def awaited_calls(counter: CounterRef) -> None:
    """The same on an event loop."""
    assert_type(await counter.acall(Get()), int)
    assert_type(await counter.astop(), None)


def said() -> list[otp.Reply | otp.NoReply | otp.Continue | otp.Stop | otp.Ignore]:
    """What callbacks return."""
    return [
        otp.Reply(1),
        otp.Reply(1, timeout=1),
        otp.NoReply(),
        otp.NoReply(timeout=0.0),
        otp.Continue(),
        otp.Continue("more", reply=1),
        otp.Stop(),
        otp.Stop("enough", reply=None),
        otp.Stop(otp.Shutdown(1)),
        otp.Ignore(),
    ]


def systems() -> None:
    """How systems are made, and what they tell."""
    otp.System(plain)
    otp.System(one, 1)
    otp.System(default, 1)
    otp.System(awaits, 1)
    otp.System(Service(0).method, 1, propagate=True, backoff=otp.Backoff())
    otp.System(otp.Supervisor({"a": plain}))
    otp.System(otp.DynamicSupervisor(), propagate=True)
    otp.System(otp.PartitionSupervisor(Idle))
    otp.System(Idle)
    otp.System(Tally, 1, backoff=None)
    otp.System(DefaultServer)
    otp.System(DefaultServer, 1)
    assert_type(otp.main(one, 1), int)
    assert_type(otp.main(otp.Supervisor({"a": plain})), int)
    assert_type(otp.main(Tally, 1), int)
    assert_type(otp.main(DefaultServer), int)

    with otp.System(default, 1, "text") as system:
        assert_type(system, otp.System)
        snapshot = system.tree()
        assert_type(snapshot, otp.NodeSnapshot)
        assert_type(snapshot.state, otp.NodeState)
        assert_type(snapshot.children, tuple[otp.NodeSnapshot, ...])
        assert_type(snapshot.last_error, str | None)
        assert_type(snapshot.next_restart, float | None)
        assert_type(snapshot.since, float)
        assert_type([node.dn for node in snapshot.walk()], list[str])
        for event in system.events():
            assert_type(event, events.Event)
            assert_type(about(event), str)
        assert_type(system.stop(timeout=1), otp.StopReport)
        assert_type(system.stop().unstopped, tuple[str, ...])


async def asynchronous_systems() -> None:
    """The same on an event loop."""
    async with otp.System(awaits, 1) as system:
        await system.await_healthy(timeout=1)
        async for event in system.events():
            assert_type(event, events.Event)
        assert_type(await system.astop(), otp.StopReport)


def about(event: events.Event) -> str:  # noqa: PLR0911 - one for each kind of event
    """Every kind of event, none forgotten: a new kind is an error here."""
    match event:
        case events.Started() | events.Healthy() | events.Done() | events.Removed():
            return f"{event.dn}#{event.incarnation}"
        case events.Died():
            assert_type(event.restart_in, float | None)
            return event.error
        case events.Canceled():
            assert_type(event.error, str | None)
            return event.dn
        case events.Canceling():
            assert_type(event.cause, events.Cause)
            return ", ".join(event.dns)
        case events.Stuck():
            return event.nodes[0].stack
        case events.Stopping():
            return "stopping"
        case events.Stopped():
            return ", ".join(event.unstopped)
        case _:
            assert_never(event)


def shown(state: otp.NodeState) -> str:
    """Every state, none forgotten."""
    match state:
        case otp.NodeState.NEW | otp.NodeState.HEALTHY:
            return "runs"
        case otp.NodeState.DONE | otp.NodeState.DEAD | otp.NodeState.CANCELED:
            return "has ended"
        case _:
            assert_never(state)
