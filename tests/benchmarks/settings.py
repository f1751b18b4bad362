"""What the process of a case is set to before the case begins. `docs/pages/tuning.md` says what it is good for.

Nothing is set unless asked for. What was asked for is in each line of JSON, with what came of it.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import sys

PR_FUTEX_HASH, SET_SLOTS, GET_SLOTS = 78, 1, 2
"""Of `prctl`; Linux has them from 6.17 on."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cpu", type=int, metavar="N", help="the one to be pinned to; without it the first there is")
    parser.add_argument("--futex-slots", type=int, metavar="N", help="how many the kernel is to have for the process")
    parser.add_argument("--switch-interval", type=positive, metavar="SECONDS", help="sys.setswitchinterval")


def positive(text: str) -> float:
    value = float(text)
    if value > 0:
        return value
    msg = f"{text} is not above 0"
    raise argparse.ArgumentTypeError(msg)


def as_options(arguments: argparse.Namespace) -> list[str]:
    """What `add_options` has read, for another program that has these options."""
    asked = {
        "--cpu": arguments.cpu,
        "--futex-slots": arguments.futex_slots,
        "--switch-interval": arguments.switch_interval,
    }
    return [part for name, value in asked.items() if value is not None for part in (name, str(value))]


def apply(arguments: argparse.Namespace) -> dict[str, object]:
    """Set this process to it; what there is to say of that in each line of JSON."""
    done: dict[str, object] = {"pinned": arguments.pin}
    if arguments.pin:
        cpu = min(os.sched_getaffinity(0)) if arguments.cpu is None else arguments.cpu
        os.sched_setaffinity(0, {cpu})
        if arguments.cpu is not None:
            done["cpu"] = cpu
    if arguments.futex_slots is not None:
        done["futex_slots"] = set_futex_slots(arguments.futex_slots)
    if arguments.switch_interval is not None:
        sys.setswitchinterval(arguments.switch_interval)
        done["switch_interval"] = sys.getswitchinterval()
    return done


def set_futex_slots(slots: int) -> int | str:
    """How many there are now; or that it was refused, and why, which is said on standard error too."""
    if futex_hash(SET_SLOTS, slots) == 0:
        return futex_hash(GET_SLOTS)
    refusal = f"{slots} refused: {os.strerror(ctypes.get_errno())}"
    sys.stderr.write(f"futex slots: {refusal}; the case runs with what there is\n")
    return refusal


def futex_hash(operation: int, argument: int = 0) -> int:
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return int(prctl(PR_FUTEX_HASH, *map(ctypes.c_ulong, (operation, argument, 0, 0))))


def described(figure: dict[str, object]) -> list[str]:
    """What a figure was measured under, for the title of a table."""
    names = {"futex_slots": "futex slots", "switch_interval": "switch interval"}
    return [f"{name} {figure[key]}" for key, name in names.items() if key in figure]
