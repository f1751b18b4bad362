"""Which test of this folder is which case of OTP's own `supervisor_SUITE`, and which fact about Elixir's supervisors.

A test has the name of the case in its own, so that one can be found by the other; whether each case has a test is tested
here. The same rules are tested without threads in `tests/decision/supervision`.

What these have of OTP's results, where a case cannot be told from its name alone:

| case | here |
|---|---|
| `sup_start_error_return`, `sup_start_fail` | a supervisor has no `init` that could fail: its children do |
| `sup_start_map_faulty_specs` | an unknown option is a `TypeError`; OTP ignores it |
| `sup_stop_timeout`, `sup_stop_brutal_kill` | a thread cannot be killed: it is stuck, and the stop goes on without it |
| `child_adm_simple` | a child that has ended is `NoSuchChildError`, as in Elixir; OTP says ok |
| `order_of_children`, `child_adm` | children are listed in start order; OTP lists them in reverse |
| `simple_one_for_one_shutdown` | each child has its own deadline, as in Elixir; OTP has one for all |
| `child_unlink` | a supervisor needs no link to its child, so that there is none to be undone |
| `do_not_save_start_parameters` | what a child was started with is released with it |
| `scale_start_stop_many_children` | what is counted is work, not time |
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

CASES = """
sup_start_normal sup_start_ignore_child sup_start_ignore_temporary_child sup_start_ignore_temporary_child_start_child
sup_start_ignore_temporary_child_start_child_simple sup_start_error_return sup_start_fail sup_start_child_returns_error
sup_start_child_returns_error_simple sup_start_restart_child_returns_error sup_start_map sup_start_map_faulty_specs
sup_stop_infinity sup_stop_timeout sup_stop_timeout_dynamic sup_stop_brutal_kill sup_stop_brutal_kill_dynamic sup_stop_race
sup_stop_non_shutdown_exit_dynamic child_adm child_adm_simple child_specs child_specs_map sup_flags permanent_normal
permanent_shutdown permanent_abnormal transient_normal transient_shutdown transient_abnormal temporary_normal
temporary_shutdown temporary_abnormal temporary_bystander multiple_restarts one_for_one one_for_one_escalation one_for_all
one_for_all_escalation one_for_all_other_child_fails_restart rest_for_one rest_for_one_escalation
rest_for_one_other_child_fails_restart simple_one_for_one simple_one_for_one_extra simple_one_for_one_escalation
simple_one_for_one_shutdown child_unlink tree count_children count_children_supervisor count_restarting_children
do_not_save_start_parameters child_specs_for_temporary hanging_restart_loop hanging_restart_loop_rest_for_one
hanging_restart_loop_simple order_of_children scale_start_stop_many_children nonsignificant_temporary
nonsignificant_transient significant_temporary significant_transient significant_simple significant_bystander
significant_escalation
"""

ELSEWHERE = {
    "sup_start_ignore_init": "a supervisor has no `init` that could say so",
    "extra_return": "a start gives a ref, and nothing besides",
    "format_log_1": "reports are tests/logs/test_reports.py's",
    "format_log_2": "the same",
    "code_change and those after it": "the flags of a supervisor that runs cannot be changed",
}

ELIXIR = {
    "DynamicSupervisor: strategy is one_for_one": "sup_flags_of_a_dynamic_supervisor_have_their_errors",
    "DynamicSupervisor: max_restarts 3, max_seconds 5, max_children infinity, extra_arguments []": "options_unless_given",
    "DynamicSupervisor: extra_arguments are prepended": "simple_one_for_one_extra_arguments_come_first_at_each_start",
    "start_child: :ignore": "sup_start_ignore_temporary_child_start_child_simple",
    "start_child: {:error, reason}": "sup_start_child_returns_error_simple",
    "start_child: {:error, :max_children}": "more_than_max_children_are_refused_until_one_is_gone",
    "max_children: restarting ones count": "hanging_restart_loop_simple_counts_among_max_children",
    "start_child: {:error, {:invalid_significant, true}}": "significant_simple",
    "terminate_child: :ok, then {:error, :not_found}": "child_adm_simple_children_come_and_go_by_their_refs",
    "stop: concurrent, each child with its own timeout": "sup_stop_timeout_dynamic_each_child_has_its_own_deadline",
    "a failed restart is tried again, in workers and not in active": "count_restarting_children_of_a_dynamic_supervisor",
    "PartitionSupervisor: n copies of one child, 0 to n-1": "partitions_are_called_by_their_numbers",
    "partitions: schedulers_online": "there_are_as_many_as_cpus_unless",
    "route: rem(abs(key), n)": "partitions_are_called_by_their_numbers_and_an_int_leads_to_its_remainder",
    "route: key 3 of 2 is partition 1": "the_example_of_elixir_key_3_of_2_partitions_is_partition_1",
    "route: hash of others": "a_key_leads_to_the_same_partition_whatever_the_hash_seed_of_the_program",
    "with_arguments(args, partition)": "with_arguments_gives_each_partition_its_own",
    "strategy": "the_strategy_is_that_of_a_supervisor",
    "max_restarts, max_seconds": "partitions_are_restarted_as_the_children_of_a_supervisor_are",
    "unknown supervisor: noproc": "a_ref_that_does_not_come_from_its_start_asks_where_it_lives",
}
"""What has none: `PartitionSupervisor.resize!`, and its option `auto_shutdown`: there is neither."""


def names_of_tests() -> list[str]:
    return [
        node.name
        for file in Path(__file__).parent.glob("test_*.py")
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


@pytest.fixture(scope="module")
def tests():
    return names_of_tests()


@pytest.mark.parametrize("case", CASES.split())
def test_each_case_of_otp_has_a_test(tests, case):
    wanted = re.compile(rf"_{case}(_|$)")
    others = [longer for longer in CASES.split() if longer.startswith(f"{case}_")]
    longer = re.compile("|".join(rf"_{other}(_|$)" for other in others) or r"(?!)")
    assert [name for name in tests if wanted.search(name) and not longer.search(name)]


@pytest.mark.parametrize("fact", ELIXIR)
def test_each_fact_about_elixirs_supervisors_has_a_test(tests, fact):
    assert [name for name in tests if ELIXIR[fact] in name]


def test_what_has_no_test_here_says_why():
    assert all(ELSEWHERE.values())
    assert not ELSEWHERE.keys() & set(CASES.split())
