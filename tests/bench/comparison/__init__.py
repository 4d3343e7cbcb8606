"""What `compare` is made of; see docs/benchmarks.md."""
