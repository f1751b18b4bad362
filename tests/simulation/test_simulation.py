"""Whole simulations: nothing breaks the rules, and the same seed is the same story."""

from __future__ import annotations

from collections import Counter

import pytest

from otp.testing import simulate
from otp.testing.simulation import Planted, Simulation, Trace, Violation, replay
from otp.tree import decision
from otp.tree.decision.messages import (
    Answer,
    DeleteChild,
    Ended,
    Expired,
    Finish,
    Kill,
    RestartChild,
    RestartRequested,
    Signaled,
    Spawned,
    StartChild,
    StopRequested,
    StopSupervisor,
    Stuck,
    TerminateChild,
    Verdict,
    Why,
)
from otp.tree.decision.policy import Strategy


@pytest.mark.parametrize("decade", range(10))
def test_no_event_of_a_hundred_seeds_breaks_a_rule(decade):
    outcomes = [simulate.simulate(seed, 500) for seed in range(10 * decade, 10 * decade + 10)]

    assert [outcome.violation for outcome in outcomes if outcome.violation] == []
    assert sum(outcome.events for outcome in outcomes) == 5000


@pytest.mark.parametrize("decade", range(3))
def test_no_event_of_thirty_seeds_breaks_a_rule_where_every_tree_has_supervisors(decade):
    outcomes = [simulate.simulate(seed, 500, 1.0) for seed in range(10 * decade, 10 * decade + 10)]

    assert [outcome.violation for outcome in outcomes if outcome.violation] == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("supervised", ["0.25", "1.0"])
def test_no_event_of_a_million_breaks_a_rule(supervised, capsys):
    status = simulate.main(["--seeds", "1000", "--processes", "2", "--supervised", supervised])

    printed = capsys.readouterr().out
    assert status == 0, printed
    assert "seeds 1000, events 1000000," in printed
    assert "violations 0" in printed


def test_the_same_seed_is_the_same_story():
    stories = []
    for _ in range(2):
        simulation = Simulation(5, tail=None)
        simulation.run(400)
        stories.append(list(simulation.trace.entries))

    assert stories[0] == stories[1]
    assert len(stories[0]) == 400 + simulation.trees


def test_a_trace_leads_to_the_same_actions_without_the_world():
    simulation = Simulation(6, tail=None)
    simulation.run(600)

    assert replay(simulation.trace.entries) == 600 + simulation.trees


def test_a_trace_that_was_tampered_with_is_noticed():
    simulation = Simulation(6, tail=None)
    simulation.run(100)
    trace = Trace(None)
    for entry in simulation.trace.entries:
        trace.add(entry.number, entry.now, entry.cause, entry.actions[:-1])

    with pytest.raises(Violation, match="contract"):
        replay(trace.entries)


def test_a_storm_has_everything_in_it():
    causes: Counter[object] = Counter()
    actions: Counter[type] = Counter()
    for seed in range(12):
        simulation = Simulation(seed, tail=None)
        simulation.run(500)
        for entry in simulation.trace.entries:
            causes[type(entry.cause)] += 1
            actions.update(type(action) for action in entry.actions)
            if isinstance(entry.cause, Spawned):
                causes[entry.cause.strategy] += 1
            if isinstance(entry.cause, Ended):
                causes[entry.cause.end] += 1
            if isinstance(entry.cause, (Spawned, Signaled, Ended)) and not entry.actions:
                causes["without effect"] += 1

    wanted = (Planted, Spawned, Signaled, Ended, Expired, RestartRequested, StopRequested, *Strategy, "without effect")
    assert {cause: causes[cause] for cause in wanted if causes[cause] < 10} == {}
    assert actions[Stuck] >= 10
    assert actions[Kill] >= 10


def test_a_storm_over_supervisors_has_everything_in_it():
    found: Counter[object] = Counter()
    for seed in range(16):
        simulation = Simulation(seed, tail=None, supervised=1.0)
        simulation.run(500)
        for entry in simulation.trace.entries:
            found[type(entry.cause)] += 1
            for action in entry.actions:
                if isinstance(action, Answer):
                    found[action.verdict] += 1
                elif isinstance(action, Finish):
                    found[action.why] += 1

    requests = (StartChild, RestartChild, TerminateChild, DeleteChild)
    assert {kind: found[kind] for kind in requests if found[kind] < 50} == {}
    assert found[StopSupervisor] >= 20
    assert {why: found[why] for why in Why if found[why] < 5} == {}
    assert {verdict: found[verdict] for verdict in Verdict if found[verdict] < 1} == {}


def test_what_breaks_a_rule_is_reported_with_its_seed_and_the_way_that_led_there(monkeypatch, capsys):
    monkeypatch.setattr(decision, "decide", lambda tree, _event: (tree, []))

    status = simulate.main(["--seed", "3", "--events", "50"])

    printed = capsys.readouterr().out
    assert status == 1
    assert "seed 3, event 1, tree 1" in printed
    assert "#0 0.000000 Planted(" in printed
    assert "violations 1" in printed


def test_the_seeds_are_shared_out_among_processes(capsys):
    status = simulate.main(["--seed", "40", "--seeds", "4", "--events", "50", "--processes", "2"])

    printed = capsys.readouterr().out
    assert status == 0
    assert "seeds 4, events 200," in printed


def test_the_bench_reports_what_the_decision_alone_takes(capsys):
    status = simulate.main(["--bench", "--events", "300"])

    printed = capsys.readouterr().out
    assert status == 0
    assert printed.startswith("decision only: events 300, ")
