"""At most one live incarnation per DN (R11), whatever falls upon the tree."""

from __future__ import annotations

import threading
from collections import Counter

import otp

NODES = tuple(f"n{number}" for number in range(8))
ROUNDS = 40


class Census:
    """Who lives, counted by the runnables themselves."""

    def __init__(self):
        self._lock = threading.Lock()
        self._alive = Counter()
        self.most = 0
        self.births = Counter()
        self.tokens: dict[str, list[int]] = {}

    def enter(self, dn, token):
        with self._lock:
            self._alive[dn] += 1
            self.births[dn] += 1
            self.most = max(self.most, self._alive[dn])
            self.tokens.setdefault(dn, []).append(token)
            return self.births.total()

    def leave(self, dn):
        with self._lock:
            self._alive[dn] -= 1

    @property
    def nobody_left(self):
        return not any(self._alive.values())


def test_no_two_incarnations_of_a_node_live_at_once_under_a_storm_of_restarts(stage):
    census = Census()

    async def script(life):
        me = otp.current()
        birth = census.enter(me.dn, me.fencing_token)
        try:
            otp.signal(otp.Signal.HEALTHY)
            # Counted over all of them: by their own numbers, which a group counts up in step, one would always die.
            if birth % 25 == 0:
                message = "every twenty-fifth"
                raise ValueError(message)
            await life.until_canceled()
        finally:
            census.leave(me.dn)

    quick = otp.Backoff(initial=0.0)
    system = stage.play_group({name: stage.child(script, backoff=quick) for name in NODES})
    for number in range(ROUNDS):
        system.wait_healthy(timeout=30)
        for name in NODES[number % 3 :: 2]:
            system.restart(f"root.{name}")
        if number % 10 == 9:
            system.restart("root")
    system.wait_healthy(timeout=30)
    stage.close()
    assert census.nobody_left
    assert census.most == 1
    assert min(census.births.values()) > ROUNDS // 5
    assert all(tokens == sorted(set(tokens)) for tokens in census.tokens.values())
