"""The test kit: stand-ins of vendors that run on this machine, for tests and for development."""
