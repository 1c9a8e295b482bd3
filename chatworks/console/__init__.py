"""The operators' console: orders, messages, products, trouble, settings.

No page opens without signing in: the router refuses before any handler runs. Everything that
changes goes through the dispatcher as the signed-in operator, inside a transaction of the web
login, which sees this outlet only.
"""
