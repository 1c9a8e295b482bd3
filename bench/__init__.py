"""Benchmarks: each figure beside a reference that runs on the same machine in the same run."""
