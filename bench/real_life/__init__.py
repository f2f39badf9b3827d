"""Digits of MNIST as scanners, cameras and drawing programs would bring them, sent through a running service."""
