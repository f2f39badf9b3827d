"""A load of requests whose right answers are known: what to ask at every door, how, and what to think of the reply."""
