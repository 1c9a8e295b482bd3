"""Who may do what, as data: permissions, and the roles that hold them.

Words: a *permission* is a name (``orders.write``) that a command, query, page, route or stream
declares as what it needs; a *role* is a set of them, in an outlet (owner, operator, support …) or
on the platform. ``roles.toml`` is all of it, and what people read about it. A role is looked at
anew with each request: nothing keeps a copy of what somebody might once do.
"""
