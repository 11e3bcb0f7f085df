"""Runs a command beside a throw-away PostgreSQL: `python3 postgres.py COMMAND...` sees MATRIX_WEBQQ_TEST_POSTGRES."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Nothing of it is to outlive the machine.
QUICK = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"


def program(name: str) -> str:
    """Debian keeps the server's programs out of PATH, by version."""
    versions = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4].split(".")[0])
    )
    found = str(versions[-1]) if versions else shutil.which(name)
    return found or sys.exit(f"{name} is not installed")


def server(*command: str) -> None:
    """Runs one of the server's programs; never as root, which it refuses."""
    drop = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    done = subprocess.run([*drop, *command], capture_output=True, text=True, cwd="/", check=False)
    if done.returncode != 0:
        sys.exit(f"{command[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(parent: str, settings: str) -> Iterator[str]:
    """A server of its own in a folder in `parent`, for as long as the block: gives its address."""
    with tempfile.TemporaryDirectory(prefix=".pg-", dir=os.path.realpath(parent)) as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        port, data = free_port(), f"{folder}/data"
        server(program("initdb"), "-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        # A role that is asked for its password; the others are trusted.
        rules = Path(data, "pg_hba.conf")
        rules.write_text(f"host all webqq_test_stranger all scram-sha-256\n{rules.read_text()}")
        # No socket: the path of one has at most 107 bytes.
        options = f"-p {port} -c unix_socket_directories= -c listen_addresses=127.0.0.1 {settings}"
        server(program("pg_ctl"), "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgres://test@127.0.0.1:{port}/postgres"
        finally:
            server(program("pg_ctl"), "-D", data, "-m", "immediate", "stop")


def main(command: list[str]) -> int:
    with running("/tmp", QUICK) as address:
        environment = os.environ | {"MATRIX_WEBQQ_TEST_POSTGRES": address}
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
