"""What type checkers must reject: each line says with what, and a line that they accept is an error.

Where one of them says nothing, the line says why. `accept.py` is the other half. Nothing here is ever run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

import otp
from otp import events

from .runnables import Get, Tally, one, plain

if TYPE_CHECKING:
    from concurrent.futures import Future
    from functools import partial

    from .runnables import (
        AsyncService,
        Counter,
        CounterRef,
        PlainServer,
        Service,
        awaits,
        awaits_default,
        default,
        gives,
        many,
        required_keyword,
        two,
    )

    service = Service(0)

    # Counts and types of arguments
    otp.run("a", plain, 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", one)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", one, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", one, 1, 2)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", two, 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", two, "text", 1)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", default)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", default, 1, 2)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", default, 1, "text", 2)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", many, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", required_keyword, 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", awaits)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", awaits, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", awaits_default, 1, 2)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportArgumentType, reportCallIssue]

    # Of methods, objects, classes and partials
    otp.run("a", service.method)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", service.awaits, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", service, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", AsyncService(), "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", Service)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", Service.of_class, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", Service.of_nothing)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportArgumentType, reportCallIssue]
    # mypy takes a partial for a callable of any arguments where it is passed on
    otp.run("a", partial(two, 1), 1)  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", partial(two, 1))  # pyright: ignore[reportArgumentType, reportCallIssue]

    # Of servers
    otp.run("a", Counter, "text")  # type: ignore[misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", Counter, 1, 2)  # type: ignore[call-arg, misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", Counter, 1, "text", 2)  # type: ignore[call-arg, misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", Counter, start=1)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    otp.run("a", Counter, 1, retries=3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    otp.run("a", PlainServer, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", PlainServer, 1, 2)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.Child(Counter, "text")  # type: ignore[misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.Child(PlainServer, 1, 2)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportArgumentType, reportCallIssue]
    # without any argument, its class is taken for a callable, which makes an object of it and needs none

    # What is no runnable
    otp.run("a", 3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", gives(1))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", awaits(1))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run(1, plain)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]

    # Options
    otp.run("a", one, number=1)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    otp.run("a", one, 1, retries=3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    otp.run("a", one, 1, restart="permanent")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", one, 1, shutdown="5")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", one, 1, backoff=5)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", one, 1, significant=None)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]

    # Children and groups
    otp.Child(one)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.Child(one, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.Child(one, 1, retries=3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    otp.run_group({"a": one})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    otp.run_group({"a": plain, "b": two})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    otp.run_group([plain])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run_group({"a": plain}, strategy="one_for_all")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run_group({"a": plain}, shutdown=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

    # Signals, bound functions and systems
    otp.signal("healthy")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.sleep("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.bind(two)(1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    otp.bind(two)("text", 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.System(one)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.System(one, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.System(plain, retries=3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    otp.System(plain, propagate="yes")  # type: ignore[call-arg, call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.main(one)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.main(one, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]

    # What should be accepted: for mypy, what a function and a `Child` have in common is `object` if they meet in a variable.
    # Where they meet in the call it accepts them, and in a variable that has `Child`s only.
    mixed = {"a": plain, "b": otp.Child(one, 1)}
    otp.run_group(mixed)  # type: ignore[arg-type]

    # Supervisors
    otp.Supervisor([plain])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.Supervisor({"a": one})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    otp.Supervisor({"a": plain}, otp.Strategy.ONE_FOR_ALL)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    otp.Supervisor({"a": plain}, strategy="one_for_one")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.Supervisor({"a": plain}, max_restarts="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.Supervisor(max_children=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    otp.DynamicSupervisor({"a": plain})  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]
    otp.DynamicSupervisor(max_children="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.DynamicSupervisor(extra_arguments=[1])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.PartitionSupervisor()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    otp.PartitionSupervisor(one)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.PartitionSupervisor(plain, partitions="4")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.Child(otp.DynamicSupervisor(), 1)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.Child(plain, mailbox=100)  # type: ignore[call-arg, call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.MailboxLimit("100")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    # Children that are written where they are wanted
    otp.run_group({"a": otp.Child(one, "text")})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run_group({"a": otp.Child(Tally, "text")})  # type: ignore[misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run_group({"a": otp.Child(otp.Child(plain))})  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.Supervisor({"a": otp.Child(one, "text")})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.Supervisor({"a": otp.Child(Tally, "text")})  # type: ignore[misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.Supervisor({"a": otp.Child(Tally, 1, 2)})  # type: ignore[call-arg, misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.PartitionSupervisor(otp.Child(Tally, "text"))  # type: ignore[misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.PartitionSupervisor(otp.Child(one, "text"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.System(otp.Supervisor(), 1)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.System(otp.Child(plain))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.System(Tally, "text")  # type: ignore[misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.System(PlainServer, 1, 2)  # type: ignore[call-arg, misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.System(otp.Supervisor(), retries=3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    otp.main(otp.Supervisor(), 1)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.main(Tally, "text")  # type: ignore[misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", otp.Child(plain))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.run("a", otp.Child(Tally, 1))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    otp.Child(otp.Child(plain))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]

    # What should be rejected: a class without any argument is a callable that makes an object; the class of a request is any
    # object, so that all that can be rejected is the use of what comes back.
    otp.PartitionSupervisor(Tally)
    otp.ref("a").call(Get)


class WrongServer(otp.GenServer):
    def handle_cast(self, request: int) -> str:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return str(request)

    def handle_info(self) -> None: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]

    def handle_continue(self, arg: int) -> otp.Reply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return otp.Reply(arg)

    def terminate(self) -> None: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]


def asks(counter: CounterRef, get: Get) -> None:
    text: str = counter.call(get)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    _reply: str = counter.send_request(get).result()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    # mypy takes the future of any reply where one of a str is expected
    _future: Future[str] = counter.send_request(get)  # pyright: ignore[reportAssignmentType]
    _number: int = counter.call(Get)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    _late: Future[int] = counter.send_request(Get)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    counter.call(get, "soon")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    counter.call()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    counter.put(text)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    counter.stop(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.Reply()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    otp.Reply(1, 2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    otp.NoReply(5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    otp.NoReply(timeout="5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.Stop(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.Stop(otp.Reason.NORMAL, 1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    otp.Ignore("it")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def asks_supervisors(
    supervisor: otp.SupervisorRef,
    dynamic: otp.DynamicSupervisorRef,
    partitions: otp.PartitionSupervisorRef,
    tallies: otp.PartitionSupervisorRef[CounterRef],
) -> None:
    supervisor.start_child("a")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    supervisor.start_child(1, plain)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    supervisor.start_child("a", 3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    supervisor.start_child("a", one)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    supervisor.start_child("a", otp.Child(one, "text"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    supervisor.start_child("a", otp.Child(Tally, "text"))  # type: ignore[misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
    _child: CounterRef = supervisor.start_child("a", otp.Child(Tally, 1))  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    _other: CounterRef | None = supervisor.start_child("a", otp.Child(plain))  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    supervisor.start_child("a", plain).stop()  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    supervisor.terminate_child(supervisor)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    supervisor.which_children()[0]  # type: ignore[index]  # pyright: ignore[reportArgumentType]
    dynamic.start_child(one)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    dynamic.start_child(otp.Child(one, "text"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    dynamic.start_child(otp.Child(Tally, "text"), name="a")  # type: ignore[misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
    dynamic.start_child(plain, "a")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    dynamic.start_child(plain, name=1)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    dynamic.terminate_child("a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    dynamic.restart_child("a")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    partitions.partition()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    partitions.partition("key").get()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    _text: str = tallies.partition("key").get()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    partitions.partition(["unhashable"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    partitions.start_child("a", plain)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def mails(counter: CounterRef, ref: otp.Ref) -> None:
    text: str = counter.get()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    counter.get(text)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    otp.ref(1)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    otp.ref("a", int)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    otp.ref("a").get()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    otp.register(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.link("a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.monitor("a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.demonitor(ref)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.send_after("a", 1, 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.send_after(ref, 1, "1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.send_interval(ref, 1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    otp.cancel_timer(ref)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.reply(ref, 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def forgets_some(event: events.Event) -> str:
    match event:
        case events.Died():
            return event.error
        case _:
            assert_never(event)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def changes(node: otp.NodeSnapshot, event: events.Died) -> None:
    node.state = otp.NodeState.DONE  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    event.dn = "root"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    node.children[0] = node  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
    node.sibling = node  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
