"""What other features may do with the outbox."""

from chatworks.outbox.store import queue as queue
from chatworks.outbox.store import resend as resend
from chatworks.outbox.store import trouble as trouble
