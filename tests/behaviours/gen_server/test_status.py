"""What is shown of a server: `format_status`, its mail, and nothing else."""

from __future__ import annotations

from otp.behaviours.gen_server_report import shown_message


def test_a_hostile_repr_cannot_decide_how_a_message_is_shown():
    class Hostile:
        def __repr__(self):
            raise SystemExit

    assert "cannot be shown" in shown_message(Hostile())
