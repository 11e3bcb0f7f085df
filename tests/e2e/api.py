"""Schemathesis against the provisioning API: `python -m e2e.api`; scripts/test builds everything."""

from __future__ import annotations

import os
import subprocess
import sys

from .console import Console
from .person import Person
from .smoke import log_in
from .stack import Stack
from .walk import must, run_once, step

API = "/_matrix/provision/v3/openapi.json"
# The same requests each time, whatever is found.
SEED = 1


def walk(stack: Stack) -> None:
    """Whatever is asked, the answer is one that the description has, and never a failure of ours."""
    alice = Person(stack.homeserver.url, "alice")
    log_in(alice, Console(stack.console_url))
    with step("schemathesis finds nothing"):
        tester = os.environ["SCHEMATHESIS"]
        address = f"http://127.0.0.1:{stack.ports.bridge}"
        command = [tester, "run", address + API, "-H", f"Authorization: Bearer {alice.token}"]
        # Whoever is logged out can be asked nothing more; logging out is in the journeys.
        command += ["--exclude-operation-id", "logout"]
        command += ["--seed", str(SEED), "--no-color", "--max-examples", "50", "--continue-on-failure"]
        tested = subprocess.run(command, cwd=stack.folder, capture_output=True, text=True, check=False)
        must(tested.returncode == 0, tested.stdout + tested.stderr)
    print("\n".join(tested.stdout.splitlines()[-20:]))


if __name__ == "__main__":
    sys.exit(run_once("api", walk))
