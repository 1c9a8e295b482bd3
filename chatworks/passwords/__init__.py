"""Passwords of accounts: which are fit, how they are kept, and how they are tried.

Words: a password is *fit* by its length, and by not being what others try first: known from
breaches, the person's own name, one key after the other. From 15 characters on it is *enough
alone*; beside a second factor 8 will do (NIST SP 800-63B-4, 3.1.1.1). The *pool* hashes: so many at
a time as there are cores, so many more wait, and whoever comes then hears ``Busy``. The *pepper* is
a key of the installation: hashes alone, out of a backup, are of no use to anybody.

Invariants: a password is never kept, logged or cut; every try costs one verification, whether the
account, or its password, exists or not; no transaction is open while the pool works; a try is drawn
from the limits before it is looked at; a change ends every other session, also one that is just
beginning, and is told to the person.
"""
