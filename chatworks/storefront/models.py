"""Where the visitors' columns stand in the register of personal data."""

from __future__ import annotations

from chatworks.kit.datamap import Basis, DataMap, Erasure, Personal, operational


def _signed(category: str, purpose: str) -> Personal:
    return Personal(
        category=category,
        subject="id",
        purpose=purpose,
        basis=Basis.CONTRACT,
        retention="last message + 24 months",
        visible=("self", "operator"),
        erasure=Erasure.NULL,
    )


DATA_MAP: DataMap = {
    "web_visitor": {
        "outlet_id": operational("tenant"),
        "id": operational("identifier and thread"),
        "channel_id": operational("channel"),
        "secret_hash": operational("SHA-256 of the browser's random token"),
        "signed_channel_id": operational("the messenger's channel that told who it is"),
        "signed_vendor_id": _signed("user.unique_id.pseudonymous", "know the person again"),
        "signed_name": _signed("user.name", "address the person"),
        "language": operational("of the page where the chat began"),
        "user_agent": Personal(
            category="user.device",
            subject="id",
            purpose="tell apart a person's devices",
            basis=Basis.LEGITIMATE_INTEREST,
            retention="last message + 30 days",
            visible=("engine",),
            erasure=Erasure.NULL,
        ),
        "created_at": operational("when"),
    },
}
