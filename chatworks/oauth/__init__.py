"""OAuth 2.1: how somebody lets another company's program act for their outlet, without a key.

Words: a *client* is such a program, registered by an outlet's operator, who says where it is
answered; *consent* is what somebody with an account gives it, for one outlet of theirs and for
named scopes; a *grant* is what comes of it. A grant has one *code*, spent for the first tokens, and
then a chain of *refresh* tokens, each good once; *access* tokens call the API. All of them are
random, kept as hashes, and worth nothing once the grant is revoked or who gave it may give it no
more. What the protocol says of errors, challenges and metadata is Authlib's.
"""
