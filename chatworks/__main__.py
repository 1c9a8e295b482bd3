"""``chatworks`` and ``python -m chatworks``: the command line.

Loading the product takes half a second. Who presses Ctrl-C meanwhile gets what they asked for, and
no traceback.
"""

from __future__ import annotations

import os
import signal
from types import FrameType


def leave(_number: int, _frame: FrameType | None) -> None:
    """End at once: nothing has been started, and an import might swallow an exception."""
    os._exit(0)


def main() -> None:
    """Run the command line."""
    signal.signal(signal.SIGINT, leave)
    from chatworks.cli import main as run  # noqa: PLC0415 - see above

    signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
