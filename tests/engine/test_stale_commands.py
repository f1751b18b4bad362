"""A command that comes late must not hit the incarnation after the one it was meant for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import otp
from otp.tree.decision.messages import Cancel, Kill

if TYPE_CHECKING:
    from otp.tree.node import Node


def test_a_cancel_of_an_earlier_incarnation_leaves_the_next_one_alone():
    nodes: dict[str, Node] = {}
    began = threading.Semaphore(0)
    seen: list[bool] = []
    look = threading.Event()
    looked = threading.Event()

    def child() -> None:
        otp.signal(otp.Signal.HEALTHY)
        began.release()
        if otp.current().incarnation == 2:
            look.wait()
            seen.append(otp.canceled())
            looked.set()
        otp.wait_canceled()

    def root() -> None:
        otp.run("child", child)
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    system = otp.System(root)
    house = system._engine._supervisor._house

    def remember(spec, parent, mailbox):
        house(spec, parent, mailbox)
        ref = system._engine._supervisor._nodes[spec.node]
        nodes[mailbox.dn] = ref._actor_weakref()

    system._engine._supervisor._house = remember
    with system:
        assert began.acquire(timeout=10)
        system.restart("root.child")
        assert began.acquire(timeout=10)
        actor = nodes["root.child"]
        actor.actor_ref.tell(Cancel(actor._id, 1))
        actor.actor_ref.tell(Kill(actor._id, 1))
        system.wait_settled(timeout=10)
        look.set()
        assert looked.wait(timeout=10)
        assert seen == [False]
