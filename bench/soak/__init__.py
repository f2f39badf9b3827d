"""Two long runs against a real service: the soak (twice its capacity, faults, new versions) and the drain (SIGTERM)."""
