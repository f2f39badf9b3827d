"""Figures of a codec on test digits; the same for a live model, a SavedModel and a running service."""
