"""The journeys in a browser: their fixtures run in the session's loop (see ``browsing``)."""

from __future__ import annotations

from browsing import bot_api, browsers, chromium, house, site, working

__all__ = ["bot_api", "browsers", "chromium", "house", "site", "working"]
