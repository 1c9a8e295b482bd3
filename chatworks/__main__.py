"""``python -m chatworks``: the command line."""

from chatworks.cli import main

main()
