"""E-mail of the installation: every message is a row until a server took it.

Words: a *mail* is what any feature asks for inside its transaction (``service.queue``); the
*postman* takes mails by lease and fence, as the outbox does its parts, and hands each to the
*carrier*: an SMTP server, or a folder where none is set. A *doubt* is a try of which nobody knows
whether the server took it: the connection ended after the message's last bytes.

Invariants: no network call happens inside a transaction; what a mail says is sealed in the
database, and gone once its fate is known; a header holds one line; nothing travels over a
connection that anybody can read, except on this machine. Mail is sent at least once: after a doubt
the same message, with the same ``Message-ID``, is sent again, and a mail that ends in doubt is
``unknown``, neither ``sent`` nor ``failed``.
"""
