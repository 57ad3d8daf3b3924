"""Benchmarks: each hot path with its physical limit and a peer in the same run.

Results: docs/performance.md.
"""
