"""The images of the Dockerfile: how they are made, and how they are tried where there is no Docker engine."""
