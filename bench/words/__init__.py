"""Requests and answers in the words of every protocol, as bytes: one module each, which knows no connection."""
