"""Tells what a walk through the stack sees, step by step, and why it ended early."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from .http import Refused
from .process import Failure
from .stack import Ports, Programs, Stack


class Runs(Protocol):
    """Programs that were wired together."""

    def running(self) -> AbstractContextManager[Any]:
        """Starts them, and ends them."""

    def log_of(self, name: str | None) -> str:
        """The end of the log that explains a failure best."""


Place = TypeVar("Place", bound=Runs)
GREEN, RED, PLAIN = ("\033[32m", "\033[31m", "\033[0m") if sys.stdout.isatty() else ("", "", "")


@contextmanager
def step(what: str) -> Iterator[None]:
    """One thing that must happen; printed with the time that it took."""
    begun = time.monotonic()
    try:
        yield
    except BaseException:
        print(f"  {RED}FAILED{PLAIN} {what}", flush=True)
        raise
    print(f"  {GREEN}ok{PLAIN} {time.monotonic() - begun:5.1f} s  {what}", flush=True)


def must(truth: bool, otherwise: str, log: str = "bridge") -> None:
    """Fails unless it is so."""
    if not truth:
        raise Failure(otherwise, log)


def once(texts: list[str], wanted: list[str]) -> None:
    """Fails unless each of `wanted` is in `texts` exactly once, and in this order."""
    seen = [text for text in texts if any(it in text for it in wanted)]
    right = len(seen) == len(wanted) and all(it in text for it, text in zip(wanted, seen, strict=True))
    must(right, f"wanted {wanted}, saw {seen}")


def run_once(name: str, walk: Callable[[Stack], None], **webqq: object) -> int:
    """Runs a walk on a stack of its own, which is kept only when it fails; the exit code. `webqq`: options."""
    folder = Path(tempfile.mkdtemp(prefix=f"matrix-webqq-{name}-"))
    code = run(Stack(folder, Ports.free(), Programs.from_environment(), send_interval_ms=0, **webqq), walk)
    if code == 0:
        shutil.rmtree(folder)
    else:
        print(f"logs and data are kept in {folder}")
    return code


def run(stack: Place, walk: Callable[[Place], None]) -> int:
    """Runs a walk on a stack; the exit code."""
    try:
        with stack.running():
            try:
                walk(stack)
            except Exception as problem:
                tell(problem, stack)
                return 1
    except Failure as problem:  # it did not start, or did not end as it should
        tell(problem, stack)
        return 1
    return 0


def tell(problem: Exception, stack: Runs) -> None:
    """Says what failed, with the tail of the log that explains it best."""
    if not isinstance(problem, Failure | Refused):
        traceback.print_exception(problem, file=sys.stdout)
    print(f"{RED}{problem}{PLAIN}", flush=True)
    if not isinstance(problem, Failure) or problem.log:
        print(stack.log_of(getattr(problem, "log", None)), flush=True)
