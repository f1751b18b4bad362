"""Channels of a telephone exchange: a server gives them out, and has them back when whoever held one dies.

    python -m examples.channel_allocator

It plays a story of four phone calls, says what becomes of the channels, and ends by itself. The log (of deaths and
restarts) goes to standard error. What it shows:

- a `GenServer` with typed requests, and a kind of `Ref` with a method for each of them: `Channels`;
- a monitor: a call that dies does not hang up, and its channel is free again all the same;
- a supervisor with `REST_FOR_ONE`: when the server crashes, the next one knows nothing of the calls, so they end too.

    root.exchange            a supervisor
    ├─ channels              the server
    └─ calls                 a dynamic supervisor, with a child for each call
       ├─ anna, bert, ...    servers too; each holds a channel

It is the first server of Erlang's own guide to OTP, `ch3`, which knows neither monitors nor calls.
"""

# A server has its state from `init` on:
# pyright: reportUninitializedInstanceVariable=false

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import assert_never

import otp

CHANNELS = 2
EXCHANGE = "root.exchange"
PATIENCE = 10.0


# --- the server ---


@dataclass(frozen=True, slots=True)
class Allocate(otp.Call[int | None]):
    """Give a channel to `holder`; `None`: all are taken."""

    holder: otp.Ref


@dataclass(frozen=True, slots=True)
class Available(otp.Call[list[int]]):
    """Which channels are free?"""


@dataclass(frozen=True, slots=True)
class Free:
    """A cast: the channel is not needed any more."""

    channel: int


class Channels(otp.Ref):
    """How the server is talked to."""

    def allocate(self) -> int | None:
        """A channel for the calling runnable, until it frees it or dies; `None`: all are taken."""
        return self.call(Allocate(otp.current()))

    def free(self, channel: int) -> None:
        """Give `channel` back."""
        self.cast(Free(channel))

    def available(self) -> list[int]:
        """The channels that nobody has."""
        return self.call(Available())


class ChannelAllocator(otp.GenServer):
    """Knows who has which channel."""

    ref_type = Channels

    available: list[int]
    taken: dict[int, otp.Monitor]

    def init(self, count: int) -> None:
        """The channels are 1 to `count`."""
        self.available = list(range(1, count + 1))
        self.taken = {}

    def handle_call(self, request: Allocate | Available, sender: otp.Sender) -> int | list[int] | None:
        """Each request has its own reply."""
        del sender
        match request:
            case Allocate(holder) if self.available:
                channel = self.available.pop(0)
                self.taken[channel] = otp.monitor(holder)
                return channel
            case Allocate():
                return None
            case Available():
                return sorted(self.available)
            case _:
                assert_never(request)

    def handle_cast(self, request: Free) -> None:
        """Who frees what nobody has is wrong, or we are: that is a `KeyError`, and the next incarnation begins afresh."""
        otp.demonitor(self.taken.pop(request.channel))
        self.available.append(request.channel)

    def handle_info(self, message: otp.Down) -> None:
        """A holder has ended without giving its channel back."""
        for channel in [each for each, monitor in self.taken.items() if monitor is message.monitor]:
            del self.taken[channel]
            self.available.append(channel)


# --- who uses it ---


class BusyError(Exception):
    """All channels are taken."""


class HangUp(otp.Call[None]):
    """End the call."""


class PhoneCallRef(otp.Ref):
    """A call, to whoever made it."""

    def hang_up(self) -> None:
        """Returns when the channel is on its way back."""
        self.call(HangUp())


class PhoneCall(otp.GenServer):
    """One call. It is over when somebody hangs up; there is no other message for it."""

    ref_type = PhoneCallRef

    channels: Channels
    channel: int

    def init(self, channels: Channels) -> otp.Stop | None:
        """No channel, no call."""
        channel = channels.allocate()
        if channel is None:
            return otp.Stop(BusyError("all channels are taken"))
        self.channels, self.channel = channels, channel
        return None

    def handle_call(self, request: HangUp, sender: otp.Sender) -> otp.Stop:
        """The polite end. Of any other end the server is told by its monitor."""
        del request, sender
        self.channels.free(self.channel)
        return otp.Stop(reply=None)


# --- the tree, and the story ---


def root() -> None:
    """The exchange."""
    exchange = otp.Supervisor(
        {"channels": otp.Child(ChannelAllocator, CHANNELS), "calls": otp.DynamicSupervisor()},
        strategy=otp.Strategy.REST_FOR_ONE,
    )
    otp.run("exchange", exchange)
    otp.signal(otp.Signal.HEALTHY)
    otp.wait_canceled()


def main() -> int:
    """The exit status."""
    system = otp.System(root)
    events = system.events()
    with system:
        system.wait_healthy(timeout=PATIENCE)
        channels = system.ref(f"{EXCHANGE}.channels", Channels)
        calls = system.ref(f"{EXCHANGE}.calls", otp.DynamicSupervisorRef)

        def dial(name: str) -> PhoneCallRef:
            call = calls.start_child(otp.Child(PhoneCall, channels, restart=otp.Restart.TEMPORARY), name=name)
            if call is None:  # what returns `Ignore` from `init` does not run
                msg = f"{name} needs no call"
                raise RuntimeError(msg)
            return call

        def say(text: str) -> None:
            print(f"{text:<56} free: {channels.available()}", flush=True)

        say("the exchange is open")
        anna, bert = dial("anna"), dial("bert")
        say("anna and bert are on the phone")
        try:
            dial("carl")
        except otp.ChildStartError as error:
            say(f"carl is not: {error.reason}")

        anna.hang_up()
        say("anna hangs up")
        bert.exit(otp.Reason.KILL)
        wait_for(otp.events.Died, bert.dn, events)
        say("bert is cut off, and cannot hang up any more")

        dial("dora")
        say("dora is on the phone")
        channels.free(99)  # nobody has that
        wait_for(otp.events.Healthy, calls.dn, events)
        say("the server has crashed, and dora's call ended with it")
        print(f"calls: {calls.count_children().active}", flush=True)
    return 0


def wait_for(kind: type[otp.events.Event], dn: str, events: otp.EventStream) -> None:
    """Read on to the next such event of that node."""
    for event in events:
        if isinstance(event, kind) and getattr(event, "dn", None) == dn:
            return


if __name__ == "__main__":
    sys.exit(main())
