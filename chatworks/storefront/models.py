"""Where the visitors' columns stand in the register of personal data."""

from __future__ import annotations

from chatworks.kit.datamap import Basis, DataMap, Erasure, Personal, operational

DATA_MAP: DataMap = {
    "web_visitor": {
        "outlet_id": operational("tenant"),
        "id": operational("identifier and thread"),
        "channel_id": operational("channel"),
        "secret_hash": operational("SHA-256 of the browser's random token"),
        "contact_id": operational("who it is, where a messenger told us: their contact there"),
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
