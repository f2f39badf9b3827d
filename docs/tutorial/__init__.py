"""The short fits behind docs/tutorial.md and its pictures: `python -m docs.tutorial --data DIR`."""
