"""Digits: where they come from, how they are read, checked and parted; knows no model."""
