"""A scan of what we depend on: pins, imports, licences, and what is no longer cared for."""
