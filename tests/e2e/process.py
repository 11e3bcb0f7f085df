"""One supervised process: its log, its health, its end."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# The child ends with us, however we end.
WITH_PARENT = (shutil.which("setpriv") or "setpriv", "--pdeathsig", "KILL", "--")
READY_SECONDS = 90
STOP_SECONDS = 30


class Failure(Exception):
    """Something did not happen; `log` names the process whose log may say why."""

    def __init__(self, message: str, log: str | None = None) -> None:
        super().__init__(message)
        self.log = log


class Process:
    """A program in a session of its own, so that a Ctrl-C in the terminal reaches only its supervisor."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        ready: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self.log = name, log
        self._command, self._ready, self._environment = [str(word) for word in command], ready, environment
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and waits until it is ready."""
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [*WITH_PARENT, *self._command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=self._environment,
            )
        end = time.monotonic() + READY_SECONDS
        while not self._ready():
            if self.ended():
                raise Failure(f"{self.name} ended with {self._child.returncode} while starting", self.name)
            if time.monotonic() > end:
                raise Failure(f"{self.name} was not ready within {READY_SECONDS} s", self.name)
            time.sleep(0.05)
        if self.ended():  # then somebody else answered on its port
            raise Failure(f"{self.name} ended with {self._child.returncode}", self.name)

    def ended(self) -> bool:
        """Whether it was started and ended by itself."""
        return self._child is not None and self._child.poll() is not None

    def stop(self) -> int:
        """Asks it to end, and waits; its exit code. One that does not end in time is a failure."""
        if self._child is None:
            return 0
        self._child.send_signal(signal.SIGTERM)
        try:
            code = self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure(f"{self.name} did not end within {STOP_SECONDS} s", self.name) from None
        self._child = None
        return code

    def restart(self) -> None:
        """Ends it as an operator would, and starts it again; it must end well."""
        self.must_run()
        if (code := self.stop()) != 0:
            raise Failure(f"{self.name}, asked to end, ended with {code}", self.name)
        self.start()

    def wait_end(self) -> None:
        """Waits until it ends by itself; it must end well."""
        if self._child is not None and (code := self._child.wait(STOP_SECONDS)) != 0:
            raise Failure(f"{self.name} ended with {code}", self.name)
        self._child = None

    def must_run(self) -> None:
        """Fails when it ended by itself."""
        if self.ended():
            raise Failure(f"{self.name} ended by itself", self.name)

    def kill(self) -> None:
        """Ends it at once, as a power cut would (`kill -9`)."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def tail(self, lines: int = 40) -> str:
        """The end of its log."""
        try:
            text = self.log.read_text(errors="replace")
        except FileNotFoundError:
            return "(nothing)"
        return "\n".join(text.splitlines()[-lines:])


def healthy(url: str) -> Callable[[], bool]:
    """Whether this address answers, and answers well."""

    def test() -> bool:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except OSError:  # a refusal is one, too
            return False
        return True

    return test


def listens(port: int) -> bool:
    """Whether somebody listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> list[int]:
    """That many different ports of 127.0.0.1 that nobody listens on now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
