"""Planning: how long a typical message takes, and whether any of many leaves a channel's limits.

Every wire part is held against the rules of the vendor's stand-in, which refuses what the real one
would; a violation is printed, so that it can be played again by its seed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from chatworks.channels.models import Plan, Prompt, WirePart
from chatworks.channels.telegram.plan import plan as telegram
from chatworks.channels.twilio.content import pool
from chatworks.channels.twilio.plan import TYPING, plan_sms, plan_whatsapp
from chatworks.channels.whatsapp.plan import plan as whatsapp
from chatworks.sdk.messages import Button, Card, Line, Message
from chatworks.testing import telegram_rules, twilio_rules, whatsapp_rules
from chatworks.testing.messages import message
from chatworks.testing.twilio_content import fill, shape_problem

SEED = 20261124
COUNT = 100_000
SHOWN_MAX = 5
ADDRESS = "https://shop.example"
POOL = pool(ADDRESS)
SENDERS = {True: "whatsapp:+15005550001", False: "+15005550002"}
MEASURED_SECONDS = 0.5

TYPICAL = (  # of the order dialogue: a question, a choice of four, a card to confirm
    Message("How many? (1 to 20)"),
    Message(
        "Which bottle would you like?",
        tuple(
            Button(str(n), f"{size} L · KES {size * 10}") for n, size in enumerate((20, 10, 5, 1))
        ),
    ),
    Message(
        "Is this right?",
        (Button("yes", "Yes"), Button("no", "No")),
        Card(
            "Your order",
            "Today",
            (Line("2 × 20 L", "KES 400"), Line("Delivery", "KES 100")),
            "Total: KES 500",
        ),
    ),
)


def _telegram(part: WirePart) -> str:
    return telegram_rules.check(part.method, {**part.params})


def _whatsapp(part: WirePart) -> str:
    problem = whatsapp_rules.check(part.params)
    return "" if problem is None else str(problem)


def twilio_problem(part: WirePart) -> str:
    """Hold a part against Twilio's rules as it will be sent: with a sender, and its Content."""
    if part.method == TYPING:
        return ""
    params = {n: v for n, v in part.params.items() if n not in {"Content", "Files", "Said"}}
    params["From"] = SENDERS[part.params["To"].startswith("whatsapp:")]
    params["MediaUrl"] = [f"{ADDRESS}{path}" for path in part.params.get("Files", ())]
    if "Content" in part.params:
        params["ContentSid"] = "HX" + "1" * 32
        values = twilio_rules.variables(part.params["ContentVariables"])
        if values is None:
            return f"variables: {part.params['ContentVariables']}"
        resource = POOL[part.params["Content"]]
        if set(values) != set(resource.samples):
            return "the variables are others"
        wrong = shape_problem(fill(resource.types, values), approved=False, sent=True)
        if wrong:
            return wrong
    code, detail = twilio_rules.check(params)
    return f"{code} {detail}" if code else ""


Planner = tuple[Callable[[Prompt], Plan], str, Callable[[WirePart], str]]
PLANNERS: Mapping[str, Planner] = {
    "telegram": (telegram, "501", _telegram),
    "twilio_sms": (plan_sms, "+254712345678", twilio_problem),
    "twilio_whatsapp": (plan_whatsapp, "whatsapp:+254712345678", twilio_problem),
    "whatsapp": (whatsapp, "254712345678", _whatsapp),
}


def microseconds() -> float:
    """Return the time of planning and encoding one typical message, the slowest channel's."""
    slowest = 0.0
    for plan, thread, _ in PLANNERS.values():
        prompts = [Prompt(thread, 7, typical) for typical in TYPICAL]
        rounds, began = 0, time.perf_counter()
        while time.perf_counter() - began < MEASURED_SECONDS:
            for prompt in prompts:
                plan(prompt)
            rounds += 1
        took = (time.perf_counter() - began) / (rounds * len(prompts))
        slowest = max(slowest, took * 1e6)
    return slowest


def violations(count: int = COUNT, seed: int = SEED) -> int:
    """Return how many of ``count`` random messages, in turn over all channels, break a rule."""
    random = Random(seed)  # noqa: S311 - a repeatable run, no secret
    names = sorted(PLANNERS)
    broken = 0
    for number in range(count):
        plan, thread, check = PLANNERS[names[number % len(names)]]
        prompt = Prompt(thread, number + 1, message(random), address=ADDRESS)
        problems = [problem for part in plan(prompt).parts if (problem := check(part))]
        if problems:
            broken += 1
            if broken <= SHOWN_MAX:
                print(f"seed {seed}, message {number}, {names[number % len(names)]}: {problems}")
    return broken


def measure() -> dict[str, Any]:
    """Return ``plan_us`` and ``plan_violations``."""
    return {"plan_us": microseconds(), "plan_violations": violations()}
