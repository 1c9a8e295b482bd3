"""The engine: takes what came in, advances dialogues, and says what goes out.

Words: a *conversation* is one contact on one channel; a *dialogue* is one run of an applet in it;
a *turn* is the processing of one inbound event; a *batch* is many turns in one transaction; the
*speaker* is who answers, the bot or a human; the *journal* holds what each ``await`` returned.

Invariants: a conversation is worked on by one transaction at a time (an advisory lock on its
thread key); its events are taken in order; a turn's effects and the removal of its event commit
together; the number of queries of a batch does not grow with the batch.

``words`` are what always works, ``turn`` decides one conversation and is pure, ``batch`` answers
many turns with one query for each kind of thing they need, ``worker`` is the loop around it.
"""
