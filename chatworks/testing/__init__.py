"""The test kit: stand-ins of the messengers, small servers on loopback, for tests of bots and for
development without an account.

``telegram.BotApi``, ``twilio.Twilio`` and ``whatsapp.WhatsApp`` keep their vendor's paths, fields,
limits, signatures and error codes: what the real one refuses they refuse, in its words. They are
used alike::

    async with Twilio(webhook="http://127.0.0.1:8000/in") as twilio:  # or start(port), stop()
        person = "whatsapp:+255700000001"
        await twilio.say(person, "Hi")                # a person writes; the webhook gets it, signed
        [call] = await twilio.wait_for(person, 1)     # what was taken: call.params, call.message_id
        await twilio.deliver(twilio.tap(person, "Yes"))
        twilio.fail_next("429")

- ``base`` is the address to give the bot instead of the vendor's, and ``reach`` is where the host
  of the webhook's address really listens, where that differs.
- **People**: ``text``, ``tap``, ``location``, ``media``, … return an event just as the vendor would
  send it, and ``status`` returns one of a message. ``deliver(*events)`` sends them in the order
  given, so a test reverses, doubles or withholds what it likes; it returns a ``Delivery`` for each
  request: the webhook's status, its body, the attempts. ``say`` makes a text and delivers it.
- **What was taken**: ``calls`` has every request in order, ``sent(person)`` the messages that took
  effect, ``wait_for(person, count)`` waits for them.
- **Faults**: ``fail_next(kind, method, person, times)``; the kinds are 429, 500, 401, ``close``
  (in the middle of an answer), ``hang``, ``after`` (done, then hung up: the caller cannot know).
  ``block(person)`` is what a person does. Twilio and WhatsApp have ``refused``: a code for each
  person whose messages meet it, as a refusal or later as a status, as that code comes in reality.
- **Time** comes from ``clock``: with ``kit.clock.FixedClock`` a test lets 24 hours pass at once.
- ``settled()`` waits until everything the stand-in sends on its own (status callbacks) has left.

Nothing here is a limit of ours: the numbers stand beside their sources in ``telegram_rules``,
``twilio_rules`` and ``whatsapp_rules``.
"""
