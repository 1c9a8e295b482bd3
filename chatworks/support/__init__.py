"""The inbox for people: whose a conversation is, who waits, notes, answers written beforehand.

A *case* is what people of the outlet do about one conversation: it may be *assigned* to one of
them, and it *waits* from the first word that a person is to answer until one does or the bot
answers again. A *note* is seen by operators and never sent. A *canned* answer has a shortcut and
variables, which are filled before an operator sends it. Who speaks is none of this: that is the
lease of ``conversations``.
"""
