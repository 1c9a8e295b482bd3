"""Makes a chat a staff chat: new orders are announced there."""
