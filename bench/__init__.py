"""Measurements, runs under load, and looks at our own repository; service and training never import it."""
