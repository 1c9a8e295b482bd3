"""Telegram bots: which process connects and polls which, and bots made with one tap."""
