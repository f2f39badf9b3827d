"""Trains and measures every recipe, and writes what they teach; everything measured is kept, so a stop costs little."""
