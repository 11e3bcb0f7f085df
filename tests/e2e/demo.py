"""The demo: `python -m e2e.demo [--reset | --smoke]`; scripts/demo builds everything and calls it."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import time
from dataclasses import fields
from pathlib import Path

from . import smoke
from .stack import BOT, Ports, Programs, Stack
from .synapse import password
from .walk import run, run_once

DEFAULT_PORTS = Ports(element=29380, console=29370, homeserver=29308, qq=29371, bridge=29355)
DATA = Path(".demo")
SEND_INTERVAL_MS = 1000

WELCOME = """
  Element        {element}
  QQ's console   {console}/        (the simulator: here you play the people on QQ, and their phone)
  Homeserver     {homeserver}

  1. Open Element and sign in as alice, password {password} (or bob, admin: likewise).
  2. Start a chat with {bot} and write:  login
  3. Open QQ's console beside it; press "scan", then "confirm".
  4. Let somebody in a QQ group say something there. Alice is invited; accept, and chat.
  5. Go on as you like: pictures and files (▣ in the console), the discussion 项目讨论, two friends who are both
     called 李明, somebody who wants to be a friend (“Happenings” in the console; then write “accept” to the bot), and
     all that may go wrong (“Make trouble”). “help” shows what else the bot understands.

  QQ forgets the login when the demo ends: write "login" again after the next start.
  Logs and data are in {folder}. Ctrl-C stops everything; scripts/demo --reset starts afresh.
"""


def ports_from_environment() -> Ports:
    """`DEMO_PORT_ELEMENT=8080` and so on, else the defaults."""
    names = [field.name for field in fields(Ports)]
    return Ports(
        **{name: int(os.environ.get(f"DEMO_PORT_{name.upper()}", getattr(DEFAULT_PORTS, name))) for name in names}
    )


def demo(reset: bool) -> int:
    """Runs until Ctrl-C, or until a part of it dies."""
    if reset:
        shutil.rmtree(DATA, ignore_errors=True)
    stack = Stack(DATA, ports_from_environment(), Programs.from_environment(), send_interval_ms=SEND_INTERVAL_MS)
    print("starting Synapse, Element, the simulator and the bridge …", flush=True)
    return run(stack, watch)


def watch(stack: Stack) -> None:
    """Tells people what to do, and waits."""
    urls = {"element": stack.element_url, "console": stack.console_url, "homeserver": stack.homeserver.url}
    print(WELCOME.format(**urls, bot=BOT, password=password("alice"), folder=stack.folder), flush=True)
    while True:
        for process in stack.processes:
            process.must_run()
        time.sleep(0.5)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/demo", description="Element, Synapse, the bridge and a pretend QQ, on loopback."
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--reset", action="store_true", help=f"forget what is in {DATA}/ and start afresh")
    choice.add_argument("--smoke", action="store_true", help="walk through everything once, on its own ports and data")
    chosen = parser.parse_args()
    for request in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # even where a shell has us ignore Ctrl-C
        signal.signal(request, signal.default_int_handler)
    try:
        return run_once("smoke", smoke.walk) if chosen.smoke else demo(chosen.reset)
    except KeyboardInterrupt:
        print("\nstopped")
        return 130 if chosen.smoke else 0


if __name__ == "__main__":
    sys.exit(main())
