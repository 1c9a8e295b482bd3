"""Messengers: one folder each, with a manifest, an adapter and captured payloads in its tests.

Words: a *channel* is one connected account on a messenger (one bot, one number, one web chat); an
*arrival* is one event of a webhook as the door stores it; a *wire part* is one request to the
vendor; a *plan* is what a message becomes on a channel. Adapters are pure but for ``send``.
"""
