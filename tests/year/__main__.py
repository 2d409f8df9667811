"""`python -m tests.year --seed N`: a year of a busy office, decided in less than a minute."""

from __future__ import annotations

import argparse
import sys

from tests.year.year import Year


def main() -> None:
    """Let the year pass; tell what became of it."""
    parser = argparse.ArgumentParser(description="a year of a busy office on a pure Switchboard")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=365)
    asked = parser.parse_args()
    outcome = Year(asked.seed).run(asked.days)
    for line in outcome.told():
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
