"""What becomes of those who are called in a race: killed, crashed, restarted, stopped, terminated and started again."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from random import Random

import otp

from .servers import Cast, Crashed, ThreadServer

REFUSALS = (otp.ChildError, otp.CallError, otp.NoSuchNodeError, otp.SystemNotRunningError)
"""What whoever asks for such a thing may be told: somebody else was faster, or the system has stopped."""
_PAUSE = 0.002
_STOP = 0.5
"""Seconds for a server to stop; it may be busy with who waits for a timeout."""
_DYNAMIC = 5


class Storm:
    """Does something about every 2 ms, in a thread and on an event loop, until it is told to end."""

    def __init__(self, race) -> None:
        self.done: Counter[str] = Counter()
        self.found: list[str] = []
        self._race = race
        self._over = threading.Event()
        self._random = Random(f"{race.seed} storm")  # noqa: S311 - dice
        self._arandom = Random(f"{race.seed} astorm")  # noqa: S311 - dice
        self.threads = [
            threading.Thread(target=self._run, name="storm", daemon=True),
            threading.Thread(target=lambda: asyncio.run(self._arun()), name="storm of tasks", daemon=True),
        ]

    def end(self) -> None:
        """Nothing more is done."""
        self._over.set()

    def _dn(self, random: Random) -> str:
        return random.choice(Cast.DNS)

    def _run(self) -> None:
        acts = {
            self._kill: 3,
            self._signal: 3,
            self._restart: 5,
            self._stop: 4,
            self._terminate: 5,
            self._dynamic: 2,
            self._restart_supervisor: 0.3,
            self._kill_supervisor: 0.3,
        }
        while not self._over.wait(_PAUSE * 2 * self._random.random()):
            act = self._random.choices(list(acts), list(acts.values()))[0]
            self.done[act.__name__.strip("_").replace("_", " ")] += 1
            try:
                act()
            except REFUSALS:
                self.done["refused"] += 1
            except Exception as error:  # noqa: BLE001 - whatever it is, it is not documented
                self.found.append(f"{act.__name__} has raised {error!r}")

    def _kill(self) -> None:
        self._race.system.ref(self._dn(self._random)).exit(otp.Reason.KILL)

    def _signal(self) -> None:
        reason = self._random.choice([otp.Reason.SHUTDOWN, "told to", Crashed("by a signal"), otp.Shutdown(1)])
        self._race.system.ref(self._dn(self._random)).exit(reason)

    def _restart(self) -> None:
        self._race.system.restart(self._dn(self._random))

    def _stop(self) -> None:
        reason = self._random.choice([otp.Reason.NORMAL, otp.Reason.SHUTDOWN, "stopped", Crashed("by a stop")])
        self._race.system.ref(self._dn(self._random)).stop(reason, _STOP)

    def _terminate(self) -> None:
        above = self._random.choice(list(Cast.SUPERVISED))
        name = self._random.choice(Cast.SUPERVISED[above])
        ref = self._race.system.ref(above, otp.SupervisorRef)
        ref.terminate_child(name)
        ref.restart_child(name)

    def _dynamic(self) -> None:
        ref = self._race.system.ref("root.d", otp.DynamicSupervisorRef)
        children = ref.which_children()
        if len(children) < _DYNAMIC:
            number = self.done["dynamic"]
            child = otp.Child(ThreadServer, self._race.house, f"d-{number}", "s-thread", restart=otp.Restart.TEMPORARY)
            made = ref.start_child(child)
            if made is not None:
                made.exit("not long")
        else:
            for each in children:
                if each.ref is not None:
                    ref.terminate_child(each.ref)

    def _restart_supervisor(self) -> None:
        self._race.system.restart(self._random.choice(("root.s", "root.g", "root.g.deep")))

    def _kill_supervisor(self) -> None:
        self._race.system.ref(self._random.choice(("root.g", "root.g.deep", "root.s.deaf"))).exit(otp.Reason.KILL)

    async def _arun(self) -> None:
        random = self._arandom
        while not self._over.is_set():
            await asyncio.sleep(_PAUSE * 2 * random.random())
            dice = random.random()
            try:
                if dice < 0.5:
                    self.done["astop"] += 1
                    await self._race.system.ref(self._dn(random)).astop("stopped", _STOP)
                else:
                    self.done["aterminate"] += 1
                    above = random.choice(list(Cast.SUPERVISED))
                    name = random.choice(Cast.SUPERVISED[above])
                    ref = self._race.system.ref(above, otp.SupervisorRef)
                    await ref.aterminate_child(name)
                    await ref.arestart_child(name)
            except REFUSALS:
                self.done["refused"] += 1
            except Exception as error:  # noqa: BLE001 - as above
                self.found.append(f"the storm of tasks has raised {error!r}")
