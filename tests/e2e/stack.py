"""Everything that a chat between Matrix and QQ needs, wired together in one folder, on loopback."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from .process import Failure, Process, free_ports, healthy, listens
from .synapse import SERVER_NAME, Synapse

BOT = f"@qqbot:{SERVER_NAME}"
# How its control room is called in Element.
BOT_NAME = "QQ bridge bot"
PAGE_SECRET = "for-the-demo-on-loopback-only"


@dataclass(frozen=True)
class Ports:
    """Who listens where on 127.0.0.1."""

    element: int
    console: int
    homeserver: int
    qq: int
    bridge: int

    @classmethod
    def free(cls) -> Ports:
        """Ports that nobody uses, so that any number of stacks run at once."""
        return cls(*free_ports(len(fields(cls))))

    def check(self) -> None:
        """Fails when one of them is taken."""
        for field, port in zip(fields(self), astuple(self), strict=True):
            if listens(port):
                raise Failure(f"port {port} is taken; choose another one: DEMO_PORT_{field.name.upper()}=…")


@dataclass(frozen=True)
class Programs:
    """What was built before; see scripts/lib/tools.sh."""

    bridge: Path
    simulator: Path
    element: Path

    @classmethod
    def from_environment(cls) -> Programs:
        """Where the scripts say that they are."""
        target, site = Path(os.environ["TARGET_DIR"]), Path(os.environ["ELEMENT_SITE"])
        return cls(target / "matrix-webqq", target / "webqq-sim", site)


class Stack:
    """Synapse, the simulator, the bridge, and Element's site. Data stays in `folder`; `webqq` are options."""

    def __init__(self, folder: Path, ports: Ports, programs: Programs, **webqq: object) -> None:
        self.folder, self.ports = folder.resolve(), ports
        self._programs, self._webqq = programs, webqq
        for part in ("bridge", "log"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        self._config, self._registration = self.folder / "bridge/config.yaml", self.folder / "bridge/registration.yaml"
        registrations = (self._registration, self._registration.with_name("doublepuppet.yaml"))
        self.homeserver = Synapse(self.folder / "synapse", ports.homeserver, registrations, self._log("synapse"))
        self.simulator = self._process(
            "simulator",
            (programs.simulator, "--listen", f"127.0.0.1:{ports.qq}", "--console", f"127.0.0.1:{ports.console}"),
            self.console_url,
        )
        ready = f"{self.bridge_url}/_matrix/mau/ready"
        self.bridge = self._process("bridge", (programs.bridge, "-c", self._config), ready)
        site = (sys.executable, "-m", "e2e.website", programs.element, ports.element, self.homeserver.url, SERVER_NAME)
        self.element = self._process("element", site, self.element_url)

    @property
    def processes(self) -> tuple[Process, ...]:
        """In the order in which they end."""
        return (self.bridge, self.element, self.simulator, self.homeserver.process)

    @property
    def bridge_url(self) -> str:
        """Where the bridge listens; its status page is at `/_webqq/status`."""
        return f"http://127.0.0.1:{self.ports.bridge}"

    @property
    def console_url(self) -> str:
        """The simulator's console, for people and for us."""
        return f"http://127.0.0.1:{self.ports.console}"

    @property
    def element_url(self) -> str:
        """Element's page."""
        return f"http://127.0.0.1:{self.ports.element}/"

    @contextmanager
    def running(self) -> Iterator[Stack]:
        """Starts everything; ends everything, however the block ends."""
        with self._alone():
            self.ports.check()
            self._configure()
            with ExitStack() as ends:  # stops every process, even when one of them resists
                for process in reversed(self.processes):
                    ends.callback(process.stop)
                self.simulator.start()
                self.element.start()
                self.homeserver.start()
                self.bridge.start()
                yield self
                for process in self.processes:
                    process.must_run()

    def change(self, options: dict[str, Any]) -> None:
        """Changes the bridge's configuration, as its administrator does, and starts it again."""
        self._reconfigure(options)
        self.bridge.restart()

    def register(self, options: dict[str, Any]) -> None:
        """The same of what the homeserver has to know as well."""
        self._reconfigure(options)
        self._generate()
        self.homeserver.restart()
        self.bridge.restart()

    def _reconfigure(self, options: dict[str, Any]) -> None:
        self._config.write_text(yaml.safe_dump(merged(yaml.safe_load(self._config.read_text()), options)))

    def log_of(self, name: str | None) -> str:
        """The end of the log that explains a failure best: of a process that died, else of `name`."""
        dead = (process for process in self.processes if process.ended())
        named = (process for process in self.processes if process.name == name)
        process = next(dead, None) or next(named, self.bridge)
        return f"--- {process.log}\n{process.tail()}"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Failure(f"something runs in {self.folder} already") from None
            yield

    def _configure(self) -> None:
        """Writes the bridge's configuration, keeping what a person added to it, then its tokens and registration."""
        kept = yaml.safe_load(self._config.read_text()) if self._config.exists() else {}
        qq = {"server": f"http://127.0.0.1:{self.ports.qq}/", **self._webqq}
        ours = {
            "network": {"webqq": qq},
            "bridge": {
                "permissions": {SERVER_NAME: "user", f"@admin:{SERVER_NAME}": "admin"},
                "media": {"public_address": self.bridge_url},
            },
            "database": {"type": "sqlite", "uri": f"file:{self.folder}/bridge/matrix-webqq.db"},
            "homeserver": {"address": self.homeserver.url, "domain": SERVER_NAME},
            "appservice": {
                "address": self.bridge_url,
                "hostname": "127.0.0.1",
                "port": self.ports.bridge,
                "as_token": "",
                "hs_token": "",
            },
            "status_page": {"enabled": True, "address": self.bridge_url, "secret": PAGE_SECRET},
        }
        self._config.write_text(yaml.safe_dump(merged(kept, ours), sort_keys=False))
        self._config.chmod(0o600)
        self._registration.unlink(missing_ok=True)
        self._generate()

    def _generate(self) -> None:
        command: list[str | Path] = [self._programs.bridge, "-g", "-c", self._config, "-r", self._registration]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise Failure(f"matrix-webqq -g ended with {made.returncode}:\n{made.stdout}{made.stderr}")

    def _process(self, name: str, command: tuple[object, ...], ready: str) -> Process:
        words = [str(word) for word in command]
        return Process(name, words, self._log(name), healthy(ready))

    def _log(self, name: str) -> Path:
        return self.folder / "log" / f"{name}.log"


def merged(old: Any, new: Any) -> Any:
    """`old` with the values of `new`, section by section."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    return old | {key: merged(old.get(key), value) for key, value in new.items()}
