"""Prints the rules as an object of the Prometheus Operator: `python -m deploy.prometheus | kubectl apply -f -`."""

from deploy.prometheus.rules import render_rules

if __name__ == "__main__":
    print(render_rules(), end="")
