"""Second factors, passkeys, the way back after a lost one, and a fresh factor for one operation.

Words: a *factor* is something that a person shows to prove who they are. The *first* opens a
session; where the account has a *second* set, the session opens nothing else until that is shown
too. A *way* is an address or a chat that is bound to the account and can carry a code. A *step-up*
is a factor shown anew for one operation of one session. A *recovery* takes the second factor of an
account away after its owner lost it.

Invariants: whatever can be used once is spent by one statement. No password, link or code of an
address goes around a second factor: only itself, a recovery code, or a recovery that two kinds of
ways proved and that waited while every way was told. A step-up is good for exactly what was asked.
"""
