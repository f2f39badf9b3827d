"""SIGTERM under full load, again and again: the callers count what they sent and what was answered."""
