"""What `scripts/bench` runs once everything is built."""

import argparse
import json
import sys
import time
from pathlib import Path

from . import measure, report
from .programs import Programs

TOP = Path(__file__).resolve().parents[2]

QUICK = {
    "journal": lambda p: measure.journal(p, 500),
    "relay": lambda p: measure.relay(p, 3000, 6, 1),
    "many_rooms": lambda p: measure.many_rooms(p, 3000, 20),
    "on_postgres": lambda p: measure.on_postgres(p, 2000, 20),
    "intake": lambda p: measure.intake(p, 5000),
    "newcomers": lambda p: measure.newcomers(p, 100),
    "memory": lambda p: measure.memory(p, 50),
}
FULL = {
    "journal": lambda p: measure.journal(p, 2000),
    "relay": lambda p: measure.relay(p, 10000, 20, 3),
    "many_rooms": lambda p: measure.many_rooms(p, 20000, 50),
    "on_postgres": lambda p: measure.on_postgres(p, 10000, 50),
    "intake": lambda p: measure.intake(p, 20000),
    "newcomers": lambda p: measure.newcomers(p, 500),
    "memory": lambda p: measure.memory(p, 500),
    "growth": lambda p: measure.growth(p, 200_000),
    "over_rooms": lambda p: measure.over_rooms(p, [1, 10, 100, 1000, 10_000], 4000),
    "over_history": lambda p: measure.over_history(p, [1, 1000, 10_000, 100_000, 1_000_000], 4000),
}


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the short run, a few minutes")
    parser.add_argument("--parts", help=f"only some of: {' '.join(FULL)}; commas between them")
    parser.add_argument(
        "--out", type=Path, help="writes bench.json and the plots there; docs/ for those of the project"
    )
    parser.add_argument("--harness", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--bridge", type=Path, required=True, help=argparse.SUPPRESS)
    args = parser.parse_args()
    parts = QUICK if args.quick else FULL
    chosen = args.parts.split(",") if args.parts else list(parts)
    if unknown := set(chosen) - set(FULL):
        parser.error(f"unknown parts: {', '.join(sorted(unknown))}")
    programs = Programs(args.harness, args.bridge)
    figures = {}
    for name in chosen:
        begun = time.monotonic()
        figures[name] = (parts.get(name) or FULL[name])(programs)
        print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    print(report.tables(figures))
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "bench.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
        report.plots(figures, args.out)


main()
