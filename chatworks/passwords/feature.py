"""What passwords offer."""

from __future__ import annotations

from chatworks.kit.feature import Feature
from chatworks.passwords.models import DATA_MAP

FEATURE = Feature(name="passwords", data_map=DATA_MAP)
