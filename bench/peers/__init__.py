"""The same work done with other people's tools, run in a virtual environment of their own."""
