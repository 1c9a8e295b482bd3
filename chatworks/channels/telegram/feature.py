"""What Telegram's folder offers beside its channel: its part of the data map."""

from __future__ import annotations

from chatworks.channels.telegram.models import DATA_MAP
from chatworks.kit.feature import Feature

FEATURE = Feature(name="telegram", data_map=DATA_MAP)
