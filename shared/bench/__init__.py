"""Benchmarks beside the hot paths: each with its physical limit and a peer in the same run. Results: docs/performance.md."""
