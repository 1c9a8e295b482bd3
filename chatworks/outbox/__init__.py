"""The outbox: everything that leaves is a row here, one for each wire part.

Words: a *part* is one request to a vendor; a *lease* lets one sender try it for a while, and its
*fence* grows with every lease, so that a late holder's result is refused. Statuses have ranks and
never go back. A part whose fate is not known (the bytes left, no answer came, or its sender died)
is ``unknown``: the vendor is asked where it can be; else it is shown to the operator, and not sent
again by itself. A *report* is what the vendor says later of a sent part. A part that is *held*
waits for something and is in nobody's way. A *lane* says which parts leave first.

Invariants: no network call happens inside a transaction; a conversation's parts leave in order, one
at a time; urgent parts (the answer to a tap) neither wait for a turn nor hold one up.
"""
