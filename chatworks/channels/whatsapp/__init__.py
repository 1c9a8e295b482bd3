"""WhatsApp through Meta's own Cloud API."""
