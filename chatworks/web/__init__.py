"""The edge: templates, static files, security headers, errors, server-sent events.

Knows no feature. Pages are server-rendered and work without scripts where there is no live chat;
every response carries a strict content security policy; unsafe requests from other sites are
refused by their ``Sec-Fetch-Site`` or ``Origin`` header, so forms need no tokens.
"""
