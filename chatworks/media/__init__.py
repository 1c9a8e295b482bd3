"""Files that came in or will go out, kept in PostgreSQL.

Words: a *medium* is one kept file with its address, ``/media/<id>/<key>``; its *key* is 128 random
bits, so whoever has the address may read it (a vendor that fetches it has nothing else). To
*examine* is to find a file's type from its bytes, refuse what is not on the list, and draw a
picture anew. A *fetch* is one file of a conversation that its vendor still has; a *fetcher* gets it
after the turn, by lease and fence, as the outbox sends.

Invariants: what a vendor or browser says of a type is never believed; no picture is kept as it came
(its metadata goes, its size is bounded); nothing is served that a browser would run; no file is
fetched inside a transaction; equal bytes of one owner are kept once.
"""
