"""The log of privileged and money-moving acts: one leaf for each, in the act's own transaction.

Words: a *leaf* is canonical bytes and their hash (RFC 6962: SHA-256 over 0x00 and the bytes). An
*entry* is a leaf's place in the tree, a *checkpoint* the signed size and root of the tree, the
*archive* what was published outside of the database, a *witness* somebody else who remembers.
Leaves, entries, nodes and checkpoints only append, by grant and by trigger. They hold no personal
data: actors and objects are ids. Decision 0030 says why it is built so.
"""
