"""Where a conversation stands in Telegram: a chat, or one topic of a group's forum. Pure.

A thread is ``<chat id>``, or ``<chat id>/<topic id>``: each topic is a conversation of its own, and
answers go where they were asked for. Limits are the chat's, whatever the topic.
"""

from __future__ import annotations

from typing import Any

SEPARATOR = "/"


def thread_of(chat: int, topic: int = 0) -> str:
    """Return the thread of a chat, or of a topic in it."""
    return f"{chat}{SEPARATOR}{topic}" if topic else str(chat)


def chat_part(thread: str) -> str:
    """Return the id of the chat that a thread stands in."""
    return thread.partition(SEPARATOR)[0]


def chat_of(thread: str) -> dict[str, Any]:
    """Return the chat alone, as what changes a message takes it."""
    chat = chat_part(thread)
    return {"chat_id": int(chat) if chat.lstrip("-").isdigit() else chat}


def address(thread: str) -> dict[str, Any]:
    """Return the chat and its topic, as what sends a message takes them."""
    topic = thread.partition(SEPARATOR)[2]
    return chat_of(thread) | ({"message_thread_id": int(topic)} if topic else {})
