"""Which contacts are one person's, what that person agreed to, and how a message reaches them.

Words: a *contact* is a person as one channel account knows them, under the vendor's own scoped id;
a *person* is a contact, or several that a one-time *code* joined: shown on one side, given on the
other. A *route* is a message on its way to a person: the *candidates* it could take, and why it
took one. *Consent* has a purpose; its log only appends, and the last change is how it stands.

Invariants: nothing but a code joins contacts, and a code counts once; no phone number and no name
is ever a key; a marketing message needs consent and waits for the end of quiet hours.
"""
