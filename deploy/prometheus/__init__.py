"""Rules of Prometheus, and what makes an object of the cluster of them."""
