"""Other people's sign-in: any OpenID Connect provider, and an Amazon Cognito user pool.

Words: a *provider* proves who somebody is; an *identity* is one person at one provider, known by
(issuer, subject) and by nothing else; an *attempt* is one way to a provider and back, of one
browser, spent once; a *first factor* is what asks for an e-mail address and a password, ours or
Cognito's. A provider's tokens are checked, read once and forgotten: the session is always ours. An
identity is connected to an account only by who proved both; an address that a provider claims takes
over nothing.
"""
