"""The log of privileged and money-moving acts: one leaf for each, in the act's own transaction.

Words: a *leaf* is canonical bytes and their hash (RFC 6962: SHA-256 over 0x00 and the bytes).
Leaves only append, by grant and by trigger. They hold no personal data: actors and objects are ids.
"""
