"""What type checkers must reject: each line says with what, and a line that they accept is an error.

Where one of them says nothing, the line says why. `accept.py` is the other half. Nothing here is ever run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

import otp
from otp import events

if TYPE_CHECKING:
    from functools import partial

    from .runnables import (
        AsyncService,
        Counter,
        CounterRef,
        Get,
        PlainServer,
        Service,
        awaits,
        awaits_default,
        default,
        gives,
        many,
        one,
        plain,
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
    otp.Child(PlainServer, 1, 2)  # type: ignore[call-arg, misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
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
    otp.System(one)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.System(one, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.System(plain, retries=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    otp.System(plain, propagate="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.main(one)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.main(one, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    # What should be accepted: for mypy, what a function and a `Child` have in common is `object` if they meet in a variable.
    # Where they meet in the call it accepts them, and in a variable that has `Child`s only.
    mixed = {"a": plain, "b": otp.Child(one, 1)}
    otp.run_group(mixed)  # type: ignore[arg-type]


class WrongServer(otp.GenServer):
    def handle_cast(self, request: int) -> str:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return str(request)

    def handle_info(self) -> None: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]

    def handle_continue(self, arg: int) -> otp.Reply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return otp.Reply(arg)

    def terminate(self) -> None: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]


def asks(counter: CounterRef, get: Get) -> None:
    text: str = counter.call(get)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
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
