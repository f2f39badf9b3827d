"""The contracts on the wire, and what makes Python of them."""
