"""Who signs in: an outlet's operators, their sign-in links, sessions, and staff chats.

Words: a *code* is a one-time secret, spent by one atomic statement; only its SHA-256 is stored. A
*staff chat* is an operator's own conversation on a messenger, bound by a code that the console
shows and the messenger is given.
"""
