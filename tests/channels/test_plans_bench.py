"""The benchmark's own random messages: no plan of any channel breaks a rule of its vendor."""

from __future__ import annotations

from bench import plans
from chatworks.channels.models import WirePart


def test_no_plan_of_a_thousand_random_messages_breaks_a_rule() -> None:
    assert plans.violations(1000, seed=7) == 0


def test_a_broken_rule_is_counted() -> None:
    long = WirePart("sendMessage", {"chat_id": 1, "text": "x" * 4097})
    plan, thread, check = plans.PLANNERS["telegram"]

    assert check(long) != ""
    assert plan is not None
    assert thread == "501"
