"""What events, actions and messages are made of: records, which behave as frozen dataclasses do, but for being frozen."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from otp.tree.decision import messages
from otp.tree.decision.messages import Arm, Cancel, Forget, Start, StopRequested
from otp.tree.decision.record import record


@record
class Pair:
    """A record with a default."""

    first: object
    second: object = 0


ALL = [each for each in vars(messages).values() if dataclasses.is_dataclass(each)]


def test_records_are_equal_when_they_are_of_one_type_and_their_fields_are_equal():
    assert Start(1, 2) == Start(1, 2)
    assert Start(1, 2) != Start(1, 3)
    assert Start(1, 2) != Cancel(1, 2)
    assert Pair(1, 2) != (1, 2)


def test_equal_records_are_one_member_of_a_set():
    assert hash(Start(1, 2)) == hash(Start(1, 2))
    assert len({Start(1, 2), Start(1, 2), Start(1, 3)}) == 2
    assert {Arm(7, 1.0): "timer"}[Arm(7, 1.0)] == "timer"


def test_a_record_of_what_cannot_be_hashed_cannot_be_either():
    with pytest.raises(TypeError, match="unhashable"):
        hash(Pair([], 0))


def test_fields_are_given_by_place_or_by_name_and_may_have_defaults():
    assert StopRequested(timeout=1.0, at=2.0) == StopRequested(1.0, 2.0)
    assert Pair("first") == Pair(first="first", second=0)
    with pytest.raises(TypeError):
        Pair()
    with pytest.raises(TypeError):
        Pair(1, 2, third=3)


def test_records_are_matched_by_their_fields():
    match Start(1, 2):
        case Cancel():
            pytest.fail("it is no Cancel")
        case Start(node, incarnation=2):
            assert node == 1
        case other:
            pytest.fail(f"{other} has other fields")


def test_a_record_shows_its_fields():
    assert repr(Start(1, 2)) == "Start(node=1, incarnation=2)"


def test_a_record_with_some_fields_changed_is_another_one():
    start = Start(1, 2)
    assert dataclasses.replace(start, incarnation=3) == Start(1, 3)
    assert start == Start(1, 2)


def test_a_record_takes_no_more_than_its_fields():
    pair = Pair(1)
    assert not hasattr(pair, "__dict__")
    with pytest.raises(AttributeError):
        pair.third = 3


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))],  # noqa: S301 - our own
    ids=["copy", "deepcopy", "pickle"],
)
@pytest.mark.parametrize("each", [Start(1, 2), Forget((1, 2)), StopRequested(None, 1.0)], ids=repr)
def test_a_copy_equals_its_original(copied, each):
    assert copied(each) == each
    assert hash(copied(each)) == hash(each)


def test_a_deep_copy_has_fields_of_its_own():
    pair = Pair([1], {"a": []})
    copied = copy.deepcopy(pair)
    pair.first.append(2)

    assert copied == Pair([1], {"a": []})


@pytest.mark.parametrize("each", ALL, ids=lambda each: each.__name__)
def test_all_events_and_actions_are_records(each):
    names = tuple(field.name for field in dataclasses.fields(each))
    assert each.__match_args__ == each.__slots__ == names
    assert each.__hash__ is not None
    assert each.__setattr__ is object.__setattr__, "a frozen one takes five times as long to make"
