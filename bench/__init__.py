"""Measurements and pictures made with a real running service; imports training for its measures, never service."""
