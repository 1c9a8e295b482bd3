"""Web chat: the outlet's own page and widget. Its wire is the message history itself, which the
page reads by server-sent events, so nothing is planned and nothing is sent.
"""
