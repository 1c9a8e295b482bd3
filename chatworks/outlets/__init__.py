"""Outlets: the white-label tenants, what they look like, when and where they serve.

Words: an *outlet file* (TOML) describes an outlet; it *seeds* what is missing and never overwrites
what was edited in the console; *applying* it is a decision of its own, after seeing what changes.
"""
