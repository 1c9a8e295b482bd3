"""The outbox: everything that leaves is a row here, one for each wire part.

Words: a *part* is one request to a vendor; a *lease* lets one sender try it for a while, and its
*fence* grows with every lease, so that a late holder's result is refused. Statuses have ranks and
never go back. A part whose fate is not known (the bytes left, no answer came, or its sender died)
is ``unknown``: shown to the operator, and not sent again by itself.

Invariants: no network call happens inside a transaction; a conversation's parts leave in order, one
at a time; urgent parts (the answer to a tap) neither wait for a turn nor hold one up.
"""
