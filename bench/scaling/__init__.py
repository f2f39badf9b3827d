"""How the service scales: a simulation with service times that are measured here, held against a running service."""
