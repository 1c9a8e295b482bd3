"""What mail offers."""

from __future__ import annotations

from chatworks.kit.feature import Feature
from chatworks.mail.models import DATA_MAP, Mail
from chatworks.mail.service import Desk


def feature(desk: Desk) -> Feature:
    """Return the manifest; ``desk`` writes the mails of a transaction."""
    return Feature(name="mail", subscribers={Mail: (desk.hear_mails,)}, data_map=DATA_MAP)
