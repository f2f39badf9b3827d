"""The same wishes in the words of every protocol: one module each, with a table of kinds of request."""
