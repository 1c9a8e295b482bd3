"""What is kept about Telegram: which files it has, and what signed in to a Mini App."""

from __future__ import annotations

from chatworks.kit.datamap import DataMap, operational

DATA_MAP: DataMap = {
    "telegram_file": {
        "outlet_id": operational("tenant"),
        "channel_id": operational("whose bot uploaded it"),
        "path": operational("the file's path here"),
        "shown_as": operational("photo, video, audio or document"),
        "file_id": operational("Telegram's id of it, good for this bot"),
        "created_at": operational("when"),
    },
    "telegram_sign_in": {
        "outlet_id": operational("tenant"),
        "channel_id": operational("which bot's Mini App"),
        "data_hash": operational("SHA-256 of the signed text that was spent"),
        "expires_at": operational("when it is too old by itself"),
    },
}
