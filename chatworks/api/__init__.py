"""The HTTP API for programs, and the keys with which they come in.

Everything that operators may give (``Registration.offered``) is one operation of the API, made from
its types alone: ``POST /api/v1/<feature>/<request>``. Words: a *program* is whoever calls; a *key*
is what it shows; an operator *issued* it, and the program may do what its *scopes* name and what
that operator may do today, whichever is less.
"""
