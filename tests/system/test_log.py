"""What happens to a node stands in the log at that node: who died of what, and when it starts again."""

from __future__ import annotations

import pytest

import otp


def await_event(events, kind, dn):
    return next(event for event in events if isinstance(event, kind) and event.dn == dn)


def lines(log, dn):
    return [record["message"] for record in log if record["extra"].get("dn") == dn]


def test_a_death_is_logged_at_the_node_that_died_with_cause_traceback_and_wait(workshop, family, log):
    def bind_socket():
        message = "the socket is taken"
        raise OSError(message)

    def dies():
        try:
            bind_socket()
        except OSError as error:
            message = "no service"
            raise RuntimeError(message) from error

    system = workshop.make(family("a", child=dies))
    events = system.events()
    system.start()
    await_event(events, otp.events.Died, "root.a")
    system.stop()
    record = next(record for record in log if record["extra"].get("dn") == "root.a")
    assert record["level"].name == "ERROR"
    assert record["extra"]["incarnation"] == 1
    first, *rest = record["message"].split("\n")
    assert first == "root.a died: RuntimeError: no service; starts again in 1.00 s"
    text = "\n".join(rest)
    assert "OSError: the socket is taken" in text
    assert "The above exception was the direct cause" in text
    assert "in dies" in text
    assert "otp/backends" not in text, "frames of ours say nothing to the user"


def test_a_return_is_logged_without_a_traceback(workshop, family, log):
    system = workshop.make(family("a", child=int))
    events = system.events()
    system.start()
    await_event(events, otp.events.Died, "root.a")
    system.stop()
    assert lines(log, "root.a") == [
        "root.a died: returned without having signaled DONE; starts again in 1.00 s",
    ]


def test_a_new_start_after_a_death_is_logged(workshop, family, log):
    def once():
        if otp.current().incarnation == 1:
            raise ValueError
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    system = workshop.make(family("a", child=once))
    events = system.events()
    system.start()
    await_event(events, otp.events.Died, "root.a")
    workshop.clock.advance(1.0)
    system.wait_healthy(timeout=30)
    system.stop()
    assert lines(log, "root.a")[1:] == ["root.a started again, incarnation 2"]
    assert [record["extra"]["incarnation"] for record in log if record["extra"].get("dn") == "root.a"] == [1, 2]


def test_what_is_raised_in_spite_of_a_cancel_is_a_warning_and_no_death(workshop, family, log):
    def rude():
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()
        message = "while closing"
        raise OSError(message)

    system = workshop.start(family("a", child=rude))
    system.wait_healthy(timeout=30)
    system.stop()
    record = next(record for record in log if record["extra"].get("dn") == "root.a")
    assert record["level"].name == "WARNING"
    assert record["message"].startswith("root.a raised although it had been canceled: OSError: while closing\n")
    assert system.node("root.a").state is otp.NodeState.CANCELED


def test_a_life_in_which_nothing_goes_wrong_is_not_worth_a_line(workshop, family, log):
    system = workshop.start(family("a", "b"))
    system.wait_healthy(timeout=30)
    system.restart("root.a")
    system.wait_healthy(timeout=30)
    system.stop()
    assert [record["message"] for record in log if record["extra"].get("dn")] == []


@pytest.mark.parametrize("text", ["{braces} {0}", "{missing.attribute}", "<red>markup</red>", "%s %d", "\\"])
def test_text_of_the_users_is_no_format(workshop, family, log, text):
    def dies():
        raise ValueError(text)

    system = workshop.make(family("a", child=dies))
    events = system.events()
    system.start()
    died = await_event(events, otp.events.Died, "root.a")
    system.stop()
    assert died.error == f"ValueError: {text}"
    assert lines(log, "root.a")[0].startswith(f"root.a died: ValueError: {text}; starts again")


def test_a_record_of_a_runnable_names_node_and_incarnation(workshop, family, log):
    def talks():
        otp.logger().bind(job=7).warning("words of {}", otp.current().incarnation)
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    system = workshop.start(family("a", child=talks))
    system.wait_healthy(timeout=30)
    system.restart("root.a")
    system.wait_healthy(timeout=30)
    system.stop()
    mine = [record for record in log if record["message"].startswith("words")]
    assert [record["message"] for record in mine] == ["words of 1", "words of 2"]
    assert [(r["extra"]["dn"], r["extra"]["incarnation"], r["extra"]["job"]) for r in mine] == [
        ("root.a", 1, 7),
        ("root.a", 2, 7),
    ]


def test_a_temporary_node_that_ended_is_said_to_be_gone(workshop, log):
    def dies():
        raise ValueError

    def root():
        otp.run("a", dies, restart=otp.Restart.TEMPORARY)
        otp.signal(otp.Signal.HEALTHY)
        otp.wait_canceled()

    system = workshop.make(root)
    events = system.events()
    system.start()
    await_event(events, otp.events.Removed, "root.a")
    system.stop()
    said = lines(log, "root.a")
    assert said[0].startswith("root.a died: ValueError\n"), "it starts no more"
    assert said[1:] == ["root.a ended for good and was removed"]
