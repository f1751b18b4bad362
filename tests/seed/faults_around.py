"""The engine with one fault in what surrounds the decision: contexts, threads, clocks, reports. See `faults`."""

from __future__ import annotations

import dataclasses
import random
import time
from types import SimpleNamespace

from otp import engine
from otp.errors import OtpError
from otp.events import Died
from otp.logs.lifecycle import LifecycleLog
from otp.system import System
from otp.tree import incarnation, supervisor
from otp.tree.decision.messages import Changed, Stopped
from otp.tree.decision.model import NodeState
from otp.tree.incarnation import Incarnation
from otp.tree.loop import Loop
from otp.tree.outlet import Outlet
from otp.tree.supervisor import Supervisor

from .faults import decision, restart


def names_are_searched_for_a_good_part(patch):
    patch.setattr(incarnation, "is_name", lambda text: any(letter.isalnum() for letter in text))


def stale_contexts_count(patch):
    patch.setattr(Incarnation, "check", lambda _self: None)


def lock_is_kept_after_a_failure(patch):
    kept = []

    def keeping(method):
        def call(self, *args):
            try:
                return method(self, *args)
            except OtpError:
                self._lock.acquire()
                kept.append(self._lock)
                raise

        return call

    def mend():
        for lock in kept:
            lock.release()

    patch.setattr(Incarnation, "signal", keeping(Incarnation.signal))
    patch.setattr(Incarnation, "spawn", keeping(Incarnation.spawn))
    return mend


def helper_is_left_behind(patch):
    """One of the threads beside the loop is never told that the system has ended."""
    left = []
    close = Outlet.close

    def close_others(self):
        if self._thread.name == "otp: release":
            left.append(self)
        else:
            close(self)

    def mend():
        for outlet in left:
            close(outlet)

    patch.setattr(Outlet, "close", close_others)
    patch.setattr(engine, "_FLUSH", 0.1)
    return mend


def stop_before_the_start_is_forgotten(patch):
    request_stop = System.request_stop

    def request_stop_if_started(self, **how):
        if self._started:
            request_stop(self, **how)

    patch.setattr(System, "request_stop", request_stop_if_started)


def loop_ticks(patch):
    wait = Loop._wait

    def wait_not_long(self):
        if self.alarm is None:
            self.alarm = time.monotonic() + 0.001
        wait(self)

    patch.setattr(Loop, "_wait", wait_not_long)


def every_event_is_a_walk(patch):
    carry_out = Supervisor._carry_out

    def carry_out_and_look(self, actions):
        carry_out(self, actions)
        self.look()

    patch.setattr(Supervisor, "_carry_out", carry_out_and_look)


def dice_are_global(patch):
    patch.setattr(engine, "random", SimpleNamespace(Random=lambda: random))


def deaths_are_logged_at_the_supervisor(patch):
    write = LifecycleLog.write

    def write_elsewhere(self, happening):
        event = happening.event
        elsewhere = dataclasses.replace(event, dn="supervisor") if isinstance(event, Died) else event
        write(self, dataclasses.replace(happening, event=elsewhere))

    patch.setattr(LifecycleLog, "write", write_elsewhere)


def forgotten_nodes_are_shown(patch):
    enter, take = restart.enter, supervisor.take
    known = []

    def enter_for_good(tree, node):
        enter(tree, node)
        known.append(node.dn)

    def take_with_the_forgotten(tree, backends):
        rows = take(tree, backends)
        shown = {row.dn for row in rows}
        return rows + [rows[0]._replace(dn=dn, parent=0) for dn in known if dn not in shown]

    patch.setattr(restart, "enter", enter_for_good)
    patch.setattr(supervisor, "take", take_with_the_forgotten)


def starts_are_told_late(patch):
    """A start is told after what comes next about the node, as from another thread."""
    report = Loop.report
    late = {}

    def report_late(self, thing):
        if isinstance(thing, Changed) and thing.state is NodeState.NEW:
            late[thing.dn] = thing
            return
        report(self, thing)
        told = [thing.dn] if isinstance(thing, Changed) else list(late) if isinstance(thing, Stopped) else []
        for dn in told:
            if dn in late:
                report(self, late.pop(dn))

    patch.setattr(Loop, "report", report_late)


def stop_is_not_told(patch):
    ended = decision.ended

    def ended_in_silence(tree, event, out):
        ended(tree, event, out)
        if tree.stop is not None:
            out[:] = [action for action in out if not isinstance(action, Changed)]

    patch.setattr(decision, "ended", ended_in_silence)
