"""Fits what the tutorial shows, each once, and draws its pictures; some ten minutes with MNIST on two busy cores."""

import argparse
from pathlib import Path


def main() -> int:
    """Fit, draw, and print what the fits reached."""
    parser = argparse.ArgumentParser(prog="python -m docs.tutorial", description=__doc__)
    parser.add_argument("--data", help="as of `python -m training fit`")
    parser.add_argument("--kept", type=Path, default=Path("build/tutorial"), help="fits to be used again (%(default)s)")
    parser.add_argument("--steps", type=int, help="most steps of a fit, for a try")
    parser.add_argument("--pictures", type=Path, default=Path("docs/images"), help="(default: %(default)s)")
    options = parser.parse_args()
    from training.quiet import load_tensorflow

    load_tensorflow()
    from docs.tutorial.drawing import draw_pictures
    from docs.tutorial.fits import fit_all

    findings = fit_all(options.data, options.kept, options.steps)
    draw_pictures(findings, options.pictures)
    for name, found in findings.items():
        print(f"{name:16} {found.steps:6,} steps {found.seconds:6.0f} s   test MSE {found.test_error:.5f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
