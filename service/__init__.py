"""The gateway: takes digit images over HTTP and answers with codes, reconstructions and anomaly scores."""

__version__ = "0.1.0"
