"""Targets that feed what strangers send to the parsers that read it; see ``docs/howto/fuzz.md``."""
