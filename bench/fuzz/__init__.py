"""Fuzzing of a running service: every parser and every door meets bytes that nobody should send."""
