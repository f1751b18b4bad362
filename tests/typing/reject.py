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
    otp.run("a", plain, 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", one)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", one, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", one, 1, 2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", two, 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", two, "text", 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", default)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", default, 1, 2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", default, 1, "text", 2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", many, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", required_keyword, 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", awaits)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", awaits, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", awaits_default, 1, 2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    # Of methods, objects, classes and partials
    otp.run("a", service.method)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", service.awaits, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", service, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", AsyncService(), "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", Service)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", Service.of_class, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", Service.of_nothing)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    # mypy takes a partial for a callable of any arguments where it is passed on
    otp.run("a", partial(two, 1), 1)  # pyright: ignore[reportArgumentType]
    otp.run("a", partial(two, 1))  # pyright: ignore[reportArgumentType]

    # What is no runnable
    otp.run("a", 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", gives(1))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", awaits(1))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run(1, plain)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

    # Options
    otp.run("a", one, number=1)  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    otp.run("a", one, 1, retries=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    otp.run("a", one, 1, restart="permanent")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", one, 1, shutdown="5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", one, 1, backoff=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.run("a", one, 1, significant=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    # Children and groups
    otp.Child(one)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.Child(one, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    otp.Child(one, 1, retries=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
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
