"""ChatWorks: an open chat-commerce platform. ARCHITECTURE.md is the map of this package."""

__version__ = "0.1.0"
