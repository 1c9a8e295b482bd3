"""The pages of an account: opening one, signing in, and what its owner sees and changes.

Words: a *way* is one way of signing in, a fragment on the page with handlers of its own; a *check*
is asked after a first proof and may want another. The pages speak the account's language, before it
is known the browser's. No answer tells whether an address has an account.
"""
