"""Twilio: WhatsApp and SMS through its Messaging and Content APIs.

Words: an *account* (``AC…``) holds *senders*: a number, or a Messaging Service (``MG…``) that picks
one. A *thread* is a person's address there: ``whatsapp:+254…``, ``whatsapp:<scoped id>`` or
``+254…``. A *Content resource* (``HX…``) is made once at Twilio and filled with variables when it
is sent: Twilio takes buttons and lists in no other way.
"""
