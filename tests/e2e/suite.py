"""Every walk of the end-to-end suite: `python -m e2e.suite`; scripts/test builds everything and calls it."""

from __future__ import annotations

import sys

from . import browser, commands, first_hour, page, people, upgrade
from .walk import run_once


def main() -> int:
    """The exit code of the first walk that fails."""
    return (
        run_once("people", people.walk)
        or run_once("e2e", browser.walk)
        or run_once("password", browser.walk_by_password, era=browser.PASSWORD_ERA)
        or run_once("first-hour", first_hour.walk)
        or run_once("commands", commands.walk)
        or run_once("upgrade", upgrade.walk)
        or run_once("page", page.walk)
    )


if __name__ == "__main__":
    sys.exit(main())
