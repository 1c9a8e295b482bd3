"""What each table is to outlets, and which login may do what there: the source of the matrix.

Kinds. *tenant*: rows of outlets that pages see, one outlet's at a time. *engine*: no page and no
program of an outlet touches it, whether its rows name an outlet or not (accounts, the log's tree,
queues, what comes before an outlet is known). Rights are letters: S(elect), I(nsert), U(pdate),
D(elete). A table that is not named here fails the matrix.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its kind, the rights of both logins, and where a right ends at columns."""

    tenant: bool
    web: str = ""
    engine: str = "SIUD"
    only: dict[str, frozenset[str]] = field(default_factory=dict)  # right -> columns it is for
    hidden: frozenset[str] = frozenset()  # columns that the web login may not read
    fixed: frozenset[str] = frozenset()  # columns that the web login may not change, of all
    appends: bool = False  # a trigger refuses UPDATE and DELETE to everybody

    def wholly(self, login: str, letter: str) -> bool:
        """Return whether ``login`` has the right on the whole table, not on some columns."""
        if login == "engine":
            return letter in self.engine
        apart = (
            letter in self.only
            or (letter == "S" and bool(self.hidden))
            or (letter == "U" and bool(self.fixed))
        )
        return letter in self.web and not apart

    def changeable(self, columns: frozenset[str]) -> frozenset[str]:
        """Return which of ``columns`` the web login may change, if any."""
        return columns & self.only.get("U", columns - self.fixed)


def _tenant(web: str = "", engine: str = "SIUD", *, appends: bool = False) -> Table:
    return Table(tenant=True, web=web, engine=engine, appends=appends)


def _engine(engine: str = "SIUD", *, appends: bool = False) -> Table:
    return Table(tenant=False, engine=engine, appends=appends)


TABLES = {
    # Rows of outlets
    "api_key": Table(
        tenant=True, web="SIU", only={"U": frozenset({"revoked_at"})},
        hidden=frozenset({"secret_hash"}),
    ),
    "applet_install": _tenant("SU"),
    "audit_leaf": _tenant("SI", "SI", appends=True),
    "bot_request": _tenant(),
    "broadcast": _tenant("SIU"),
    "broadcast_recipient": _tenant("SI"),
    "channel": Table(tenant=True, web="SU", fixed=frozenset({"outlet_id", "id", "path"})),
    "channel_resource": _tenant("S"),
    "channel_template": _tenant("SIUD"),
    "command_key": _tenant("SIU"),
    "consent": _tenant("S", "SI", appends=True),
    "contact": _tenant("SU"),
    "contact_link": _tenant("S"),
    "conversation": _tenant("SU"),
    "dialogue": _tenant("SU"),
    "factor_demand": _tenant("SID"),
    "journal": _tenant("S"),
    "link_code": _tenant(),
    "media": _tenant("SIU"),
    "media_fetch": _tenant("S"),
    "membership": _tenant("S"),
    "message": _tenant("SI"),
    "oauth_client": Table(
        tenant=True, web="SIU", only={"U": frozenset({"removed_at"})},
        hidden=frozenset({"secret_hash", "registered_by"}),
    ),
    "order_line": _tenant("SI"),
    "order_step": _tenant("SI"),
    "outbox_part": Table(tenant=True, web="SIU", only={"U": frozenset({"lane"})}),
    "outlet": Table(tenant=True, web="SU", fixed=frozenset({"outlet_id", "slug"})),
    "outlet_counter": _tenant("SIU"),
    "product": _tenant("SIU"),
    "route": _tenant("SIUD"),
    "sales_order": _tenant("SIU"),
    "staff_chat": _tenant("SID"),
    "support_answer": _tenant("SI"),
    "support_canned": _tenant("SIUD"),
    "support_case": _tenant("SIU"),
    "support_note": _tenant("SI"),
    "telegram_file": _tenant(),
    "telegram_sign_in": _tenant(),
    "web_visitor": _tenant(),
    # Of outlets and people at once: only commands that run as the engine read them
    "account_contact": _engine(),
    "invitation": _engine(),
    "oauth_grant": _engine(),
    "oauth_token": _engine(),
    "outbox_report": _engine(),
    "visit_request": _engine(),
    # Accounts: in no outlet
    **dict.fromkeys(
        (
            "account", "account_address", "account_identity", "account_password", "device",
            "factor_recovery", "federation_attempt", "one_time_code", "passkey",
            "passkey_challenge", "passkey_second", "platform_role", "recovery_code", "session",
            "step_up", "totp",
        ),
        _engine(),
    ),
    # The installation's own
    "audit_checkpoint": _engine("SI", appends=True),
    "audit_entry": _engine("SI", appends=True),
    "audit_node": _engine("SI", appends=True),
    "audit_pending": _engine("SD"),
    "mail_message": _engine(),
    # Doors: what is there before an outlet is known
    "inbox_event": _engine("SI"),
    "inbox_pending": _engine(),
    "rate_limit": _engine(),
    "timer": _engine(),
}  # fmt: skip

RIGHTS = {"S": "SELECT", "I": "INSERT", "U": "UPDATE", "D": "DELETE"}

# Unique keys of tenants' tables that do not begin with the outlet, and why that tells nobody that
# another outlet's row exists, or why it must.
KEYS_ACROSS_OUTLETS = {
    "bot_request_bot_id_key": "a bot has one outlet; engine only, from what Telegram said",
    "channel_path_key": "a path comes before its outlet is known; random, and pages cannot set it",
    "outlet_slug_key": "the address of public pages; pages cannot set it",
    "web_visitor_secret_hash_key": "a cookie comes before its outlet is known; engine only",
}  # fmt: skip

# Foreign keys of tenants' tables that go elsewhere than to the row's own outlet, and why.
LINKS_ACROSS_OUTLETS = {
    "bot_request_manager_outlet_manager_channel_fkey": "another's bot may manage; engine only",
    "membership_account_id_fkey": "an account is in no outlet; pages cannot write memberships",
}  # fmt: skip
