"""An account from the chat: where it is opened, and the code that a page asks to have said here."""
