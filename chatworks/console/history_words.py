"""The log in an operator's words: who did what, to what, and the values that were kept. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# What somebody did, as it stands behind their name. An act without words is read out of its name.
ACTS = {
    "api.IssueKey": "made a key for a program",
    "api.RevokeKey": "stopped a program’s key",
    "oauth.Allow": "let a program of others in",
    "oauth.RegisterClient": "registered an app of others",
    "oauth.RemoveClient": "removed an app of others",
    "oauth.Revoke": "ended what a program was let into",
    "factors.DemandSecondFactor": "changed whether everybody needs a second factor",
    "bots.RequestBot": "asked for a bot of their own",
    "broadcasts.MoveBroadcast": "moved a broadcast on",
    "broadcasts.WriteBroadcast": "wrote a broadcast",
    "catalog.ApplyProducts": "applied the products of the outlet’s file",
    "catalog.SetActive": "put a product on sale or took it off",
    "catalog.SetPrice": "changed a price",
    "catalog.SetStock": "changed a stock",
    "contacts.GiveLink": "joined two of their apps",
    "contacts.Unlink": "parted their apps",
    "conversations.HandBack": "gave a conversation back to the bot",
    "conversations.Reply": "answered a person",
    "conversations.TakeOver": "took a conversation over",
    "identity.AddFirstOperator": "made somebody the outlet’s first owner",
    "identity.BindStaffChat": "connected a chat for staff alerts",
    "identity.IssueSignInLink": "made a sign-in link",
    "identity.IssueStaffCode": "made a code for staff alerts",
    "identity.SayAccountCode": "connected a chat with their account",
    "identity.UnbindStaffChats": "disconnected their chats from staff alerts",
    "inbox.DropParked": "gave up an event that failed",
    "inbox.ReplayParked": "tried an event that failed again",
    "memberships.Accept": "accepted an invitation",
    "memberships.AnswerVisit": "answered the platform’s wish to visit",
    "memberships.AskToVisit": "asked to visit the outlet",
    "memberships.ChangeRole": "changed somebody’s role",
    "memberships.HandOver": "handed the outlet over",
    "memberships.Invite": "invited somebody",
    "memberships.Leave": "left the outlet",
    "memberships.RemoveMember": "removed a member",
    "memberships.WithdrawInvitation": "took an invitation back",
    "orders.CancelOrder": "cancelled an order",
    "orders.MoveOrder": "moved an order on",
    "orders.PlaceOrder": "placed an order",
    "outbox.ResendPart": "sent a message again",
    "outlets.ApplyFile": "applied the outlet’s file",
    "outlets.CheckChannel": "had a channel looked at",
    "outlets.ConnectChannel": "connected a channel",
    "outlets.RemoveTemplate": "removed a template",
    "outlets.SaveAppletSettings": "changed a service’s settings",
    "outlets.SaveHours": "changed the opening hours",
    "outlets.SaveWidgetSites": "changed which websites show the chat",
    "outlets.SeedFile": "set up what the outlet’s file says",
    "outlets.WriteTemplate": "wrote a template",
    "support.AddNote": "wrote a note",
    "support.Assign": "gave a conversation to somebody",
    "support.RemoveCanned": "removed a prepared answer",
    "support.SaveCanned": "saved a prepared answer",
}
ACTORS = {
    "account": "The owner of an account",
    "agent": "A program",
    "customer": "A customer",
    "operator": "An operator",
    "platform": "ChatWorks",
    "provider": "A provider",
    "system": "The system",
}
AREAS = {
    "orders.": "Orders",
    "catalog.": "Products",
    "conversations.": "Conversations",
    "support.": "Notes and answers",
    "broadcasts.": "Broadcasts",
    "contacts.": "People’s apps",
    "outlets.": "Settings and channels",
    "memberships.": "Who works here",
    "identity.": "Sign-in and accounts",
    "api.": "Programs and their keys",
    "oauth.": "Programs of others",
    "bots.": "Bots",
    "inbox.": "What failed to come in",
    "outbox.": "What failed to go out",
}
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # OWASP, CSV injection: a cell must not begin so


def act(action: str) -> str:
    """Return what was done: its words, or its name taken apart."""
    name = action.rpartition(".")[2]
    return ACTS.get(action) or f"did “{re.sub(r'(?<!^)(?=[A-Z])', ' ', name).lower()}”"


def actor(kind: str, actor_id: str, operators: Mapping[str, str]) -> str:
    """Return who did it: an operator's name, or what kind of actor it was."""
    known = operators.get(actor_id) if kind == "operator" else None
    return known or ACTORS.get(kind, kind)


def values(details: Mapping[str, Any], currency: str) -> list[tuple[str, Any, str]]:
    """Return the kept values as (name, value, currency); a currency only where it is an amount."""
    found = []
    for name, value in details.items():
        if value in {None, ""}:
            continue
        amount = name.endswith("_minor") and isinstance(value, int)
        label = name.removesuffix("_minor").replace("_", " ")
        found.append((label, value, str(details.get("currency", currency)) if amount else ""))
    return found


def cell(value: object) -> str:
    """Return a value as a cell that no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
