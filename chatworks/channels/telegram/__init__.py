"""Telegram: the Bot API by webhook or long polling.

Limits and rules are those of core.telegram.org/bots/api as of 9.6; text lengths count UTF-16 code
units, callback data bytes. Texts leave with ``entities``, never as markup that must be escaped.
"""
