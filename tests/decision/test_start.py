"""R1: who starts, in which order, and under which name."""

from __future__ import annotations

import pytest

from otp.tree.decision import plant
from otp.tree.decision.messages import Birth, Changed, Start
from otp.tree.decision.model import NodeState
from otp.tree.decision.names import is_name
from otp.tree.decision.policy import Policy, Strategy


def test_a_planted_tree_starts_its_root_at_once(world):
    assert world.told_at_first == ["start root#1"]
    assert world.states() == {"root": "new#1"}


def test_a_planted_root_reports_that_it_is_new_before_it_is_started():
    _tree, actions = plant(Birth(7, "root", Policy()), 3.0)

    assert actions == [Changed(7, "root", 1, NodeState.NEW, 3.0), Start(7, 1)]


def test_a_planted_tree_does_not_propagate_deaths_unless_it_is_told_to():
    assert not plant(Birth(1, "root", Policy()), 0.0)[0].propagate
    assert plant(Birth(1, "root", Policy()), 0.0, propagate=True)[0].propagate


def test_a_planted_root_is_new_since_it_was_planted():
    tree, _actions = plant(Birth(1, "root", Policy()), 3.0)

    assert tree.root.since == 3.0


@pytest.mark.defect("B22")
def test_members_of_a_group_start_in_declared_order(world):
    assert world.run("root", "zoe", "adam", "mia") == ["start root.zoe#1", "start root.adam#1", "start root.mia#1"]


@pytest.mark.defect("B22")
def test_children_are_listed_in_the_order_in_which_they_started(world):
    world.run("root", "zoe", "adam")
    world.run("root", "mia")

    assert list(world.node("root").children) == ["zoe", "adam", "mia"]


def test_a_child_starts_as_incarnation_1_of_its_own_dn(world):
    world.run("root", "a")
    world.run("root.a", "b")

    assert world.states() == {"root": "new#1", "root.a": "new#1", "root.a.b": "new#1"}


def test_a_child_is_new_since_it_was_spawned(world):
    world.passes(2.5)
    world.run("root", "a")

    assert world.node("root.a").since == 2.5


def test_a_parent_that_is_healthy_starts_no_more_children(world):
    world.healthy("root")

    assert world.run("root", "a") == []
    assert world.states() == {"root": "healthy#1"}


def test_an_empty_group_starts_nobody(world):
    assert world.run("root") == []
    assert world.states() == {"root": "new#1"}


def test_a_name_that_is_taken_starts_nobody_of_the_group(world):
    world.run("root", "a")

    assert world.run("root", "b", "a", "c") == []
    assert world.states() == {"root": "new#1", "root.a": "new#1"}


def test_a_name_that_comes_twice_starts_nobody_of_the_group(world):
    assert world.run("root", "a", "b", "a") == []
    assert world.states() == {"root": "new#1"}


def test_a_name_is_taken_below_its_own_parent_only(world):
    world.run("root", "a")

    assert world.run("root.a", "a") == ["start root.a.a#1"]


@pytest.mark.defect("B1")
@pytest.mark.parametrize("name", ["a.b", "", "a b", "ä", "a\n", "x" * 65, "root.a", ".", "a/b"])
def test_a_bad_name_starts_nobody_of_the_group_and_harms_nobody(world, name):
    assert world.run("root", "good", name) == []
    assert world.states() == {"root": "new#1"}
    assert world.run("root", "good") == ["start root.good#1"]


@pytest.mark.defect("B1")
@pytest.mark.parametrize("name", ["oneSibling", "csi-node", "a", "Z", "0", "_", "-", "x" * 64, "b90-9"])
def test_names_that_upstream_lives_with_are_names(world, name):
    assert is_name(name)
    assert world.run("root", name) == [f"start root.{name}#1"]


def test_a_node_is_found_by_its_dn(world):
    world.run("root", "a")
    world.run("root.a", "b")

    assert world.tree.find("root") is world.tree.root
    assert world.tree.find("root.a.b") is world.tree.root.children["a"].children["b"]


@pytest.mark.parametrize("dn", ["", "a", "rooted", "root.b", "root.a.b.c.d", "root.b.c", "a.root", "root."])
def test_a_dn_that_nobody_has_finds_nobody(world, dn):
    world.run("root", "a")
    world.run("root.a", "b")

    assert world.tree.find(dn) is None


def test_a_group_without_a_strategy_of_its_own_shares_its_fate_with_all(world):
    assert world.tree.root.group.strategy is Strategy.ONE_FOR_ALL


def test_a_tree_1000_levels_deep_starts_and_falls_and_comes_back(world):
    world.checks = False
    dns = ["root"]
    for _ in range(1000):
        world.run(dns[-1], "a")
        dns.append(f"{dns[-1]}.a")
    world.check()

    assert world.dies("root.a") == [f"cancel {dn}#1" for dn in dns[2:]]
    assert world.leaves(*reversed(dns[2:])) == []
    assert world.passes(0.5) == ["start root.a#2"]
    world.check()
