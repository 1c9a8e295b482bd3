"""The event inbox: everything that enters is a row here before its sender hears "200".

Words: the *log* (``inbox_event``) holds every event as it came and only grows; the *queue*
(``inbox_pending``) holds what is still to be taken. A *source* is our own id of the channel, known
from the path before anything is parsed; an event is unique on (source, the vendor's id of it).
A *lane* says which events overtake; within a conversation order always holds. A *parked* event
failed too often and waits for an operator.
"""
