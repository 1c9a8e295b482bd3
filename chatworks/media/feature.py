"""What media offers."""

from __future__ import annotations

from chatworks.kit.feature import Feature
from chatworks.media.models import DATA_MAP

FEATURE = Feature(name="media", data_map=DATA_MAP)
