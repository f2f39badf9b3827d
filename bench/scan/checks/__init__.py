"""The checks: each takes what was read, and returns findings."""
