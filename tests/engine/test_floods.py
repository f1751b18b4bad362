"""More than anybody should ask for: children by the thousand, callers by the dozen, a tree a thousand levels deep."""

from __future__ import annotations

import sys
import threading

import otp
from otp import NodeState

DEPTH = 1_000


def test_ten_thousand_children_of_one_runnable(stage):
    number = 10_000

    def root():
        for index in range(number):
            otp.run(f"c{index}", stage.serve)
        stage.serve()

    system = stage.start(root)
    system.wait_healthy(50)
    children = system.tree().children

    assert [child.name for child in children] == [f"c{index}" for index in range(number)]
    assert system.stop().unstopped == ()
    assert {node.state for node in system.tree().walk()} == {NodeState.CANCELED}


def test_ten_thousand_coroutines_of_one_runnable(stage):
    number = 10_000

    async def root():
        for index in range(number):
            otp.run(f"c{index}", stage.serve_async)
        await stage.serve_async()

    system = stage.start(root)
    system.wait_healthy(50)

    assert len(system.tree().children) == number
    assert system.stop().unstopped == ()


def test_threads_of_the_users_own_may_start_children_all_at_once(stage):
    threads, each = 16, 100
    started = threading.Barrier(threads)

    def root():
        def start_children(mine):
            started.wait()
            for index in range(each):
                otp.run(f"t{mine}-{index}", stage.serve)

        helpers = [threading.Thread(target=otp.bind(start_children), args=[mine]) for mine in range(threads)]
        for helper in helpers:
            helper.start()
        for helper in helpers:
            helper.join()
        stage.serve()

    system = stage.start(root)
    system.wait_healthy(50)
    names = [child.name for child in system.tree().children]

    assert sorted(names) == sorted(f"t{mine}-{index}" for mine in range(threads) for index in range(each))
    for mine in range(threads):  # what one thread started stands in its order
        assert [name for name in names if name.startswith(f"t{mine}-")] == [f"t{mine}-{index}" for index in range(each)]


def test_of_threads_that_ask_for_the_same_name_exactly_one_gets_it(stage):
    threads, names = 8, 50
    asked = threading.Barrier(threads)
    refused = []

    def root():
        def start_children():
            for index in range(names):
                asked.wait()
                try:
                    otp.run(f"c{index}", stage.serve)
                except otp.DuplicateNameError:
                    refused.append(index)

        helpers = [threading.Thread(target=otp.bind(start_children)) for _ in range(threads)]
        for helper in helpers:
            helper.start()
        for helper in helpers:
            helper.join()
        stage.serve()

    system = stage.start(root)
    system.wait_healthy(50)

    assert [child.name for child in system.tree().children] == [f"c{index}" for index in range(names)]
    assert sorted(refused) == sorted(list(range(names)) * (threads - 1))


def test_children_that_die_by_the_thousand_do_not_stop_the_others(stage):
    lives = threading.Semaphore(0)

    def short():
        lives.release()
        raise ValueError

    def root():
        for index in range(50):
            otp.run(f"short{index}", short)
        otp.run("steady", stage.serve)
        stage.serve()

    system = stage.start(root, backoff=otp.Backoff(initial=0))
    assert all(lives.acquire(timeout=20) for _ in range(2_000))

    assert system.node("root.steady").state is NodeState.HEALTHY
    assert system.stop().unstopped == ()


def test_a_tree_a_thousand_levels_deep_is_shown_started_again_from_its_top_and_stopped(stage):
    assert sys.getrecursionlimit() <= DEPTH
    system = stage.start(stage.chain, DEPTH)
    system.wait_healthy(50)
    tree = system.tree()
    deepest = max(tree.walk(), key=lambda node: len(node.dn))
    assert deepest.dn == "root" + ".c" * DEPTH
    assert system.node(deepest.dn) == deepest
    assert "root.c.c" not in repr(tree)

    system.restart("root.c")
    system.wait_settled(50)
    system.wait_healthy(50)
    incarnations = {node.dn: node.incarnation for node in system.tree().walk()}
    assert len(incarnations) == DEPTH + 1
    assert incarnations.pop("root.c") == 2
    assert set(incarnations.values()) == {1}

    assert system.stop().unstopped == ()


def test_the_root_of_a_tree_a_thousand_levels_deep_dies(stage):
    dies = threading.Event()

    def root():
        otp.run("c", stage.chain, DEPTH - 1)
        otp.signal(otp.Signal.HEALTHY)
        if otp.current().incarnation == 1:
            dies.wait()
            raise ValueError
        otp.wait_canceled()

    system, story = stage.watch(root, backoff=otp.Backoff(initial=0))
    system.wait_healthy(50)
    dies.set()
    story.until(otp.events.Started, "root", incarnation=2)
    system.wait_healthy(50)

    assert system.tree().incarnation == 2
    assert sum(1 for _ in system.tree().walk()) == DEPTH + 1
