"""What type checkers are told to accept works. That they do accept it, and reject `reject.py`, is for CI to check."""

from __future__ import annotations

import asyncio

import otp
from otp.events import Canceled, Died, Done, Started
from otp.testing.clock import VirtualClock

from . import accept, runnables

CALLS = {
    ("AsyncServer", 1),
    ("Counter", 1, ""),
    ("Counter", 1, "text"),
    ("DefaultServer", 1),
    ("DefaultServer", 2),
    ("KnownDefaultServer", 1),
    ("KnownDefaultServer", 2),
    ("PlainServer", 1),
    ("Service", 0),
    ("Service", 1),
    ("Service.awaits", 1),
    ("__call__", 1),
    ("all_default", 0),
    ("async __call__", 1),
    ("awaits", 1),
    ("awaits_default", 0),
    ("default", 1, ""),
    ("default", 1, "text"),
    ("gives", 1),
    ("keyword", 1, ""),
    ("many",),
    ("many", 1, 2),
    ("method", 1),
    ("of_class", 1),
    ("of_nothing", 1),
    ("one", 1),
    ("plain",),
    ("required_keyword", 1, "text"),
    ("two", 1, ""),
    ("two", 1, "text"),
}


def test_everything_that_type_checkers_accept_runs_with_the_arguments_it_was_given() -> None:
    runnables.calls.clear()
    started: set[str] = set()
    ended: set[str] = set()
    system = otp.System(accept.root, clock=VirtualClock())  # whose backoffs never end
    events = system.events()
    with system:
        for event in events:
            match event:
                case Started(dn=dn):
                    started.add(dn)
                case Died(dn=dn) | Done(dn=dn) | Canceled(dn=dn):  # the last: a sibling was faster
                    ended.add(dn)
                case _:
                    pass
            if "root" in ended and started == ended:
                break
        assert system.node("root").state is otp.NodeState.DONE

    assert set(runnables.calls) == CALLS


def test_what_type_checkers_know_of_supervisors_and_mail_is_so() -> None:
    def root() -> None:
        accept.supervised()

    with otp.System(root) as system:
        system.wait_healthy(timeout=10)
        supervisor = system.ref("root.supervisor", otp.SupervisorRef)
        dynamic = system.ref("root.dynamic", otp.DynamicSupervisorRef)
        partitions = system.ref("root.partitions", otp.PartitionSupervisorRef[runnables.CounterRef])
        extra = system.ref("root.extra", otp.DynamicSupervisorRef)
        accept.asks_supervisor(supervisor)
        accept.asks_dynamic_supervisor(dynamic)
        accept.asks_dynamic_supervisor_with_arguments(extra)
        accept.asks_partitions(partitions, partitions)
        asyncio.run(accept.awaits_supervisors(supervisor, dynamic, partitions))

        assert [*supervisor.which_children()] == ["a", "tally"]
        assert [info.name for info in dynamic.which_children()] == ["tally", "idle"]
        assert extra.count_children().active == 2
    accept.kinds()
    assert len(accept.supervisors()) == 14
