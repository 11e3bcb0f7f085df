"""The programs of a measurement: the harness, the floor and the bridge, as child processes."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

HS, CONTROL, QQ, BRIDGE = 28008, 28009, 28010, 28011
DOMAIN = "null.test"
AS_TOKEN = "as-token-of-the-bench"


@dataclass
class Programs:
    """Where the built programs are."""

    harness: Path
    bridge: Path
    database: dict | None = None  # of the bridge; a file in its folder when not said


class Child:
    """A program that ends with its `with` block."""

    def __init__(self, *command):
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def memory_mib(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


class Harness(Child):
    """The pretend homeserver and WebQQ, driven over the control port."""

    def __init__(self, programs: Programs, folder: Path, *flags):
        registration = folder / "registration.yaml"
        registration.write_text(json.dumps(REGISTRATION))
        where = ["--listen", f"127.0.0.1:{HS}", "--control", f"127.0.0.1:{CONTROL}", "--qq", f"127.0.0.1:{QQ}"]
        super().__init__(programs.harness / "nullhs", *where, "--registration", registration, *flags)
        until(lambda: self.ask(op="stats"), "the harness")

    def ask(self, **op):
        request = urllib.request.Request(f"http://127.0.0.1:{CONTROL}", json.dumps(op).encode())
        with urllib.request.urlopen(request, timeout=3600) as answer:
            return json.load(answer)

    def load(self, pid: int, direction: str, **more) -> dict:
        return self.ask(**{"op": "load", "dir": direction, "pids": [pid], "idle_timeout": 30, "max_s": 1800, **more})

    def polled(self):
        until(lambda: self.ask(op="stats")["polls"] > 0, "the first poll")


class Floor(Child):
    """The least that a relay can do: no store, no retries, no promise."""

    def __init__(self, programs: Programs):
        where = ["--qq", f"127.0.0.1:{QQ}", "--hs", f"127.0.0.1:{HS}", "--listen", f"127.0.0.1:{BRIDGE}"]
        options = ["--as-token", AS_TOKEN]
        super().__init__(programs.harness / "floor", *options, *where)


class Bridge(Child):
    """The bridge as it ships, with the pace between messages off."""

    def __init__(self, programs: Programs, folder: Path):
        config = folder / "config.yaml"
        database = programs.database or {"uri": f"file:{folder}/bench.db"}
        config.write_text(json.dumps(bridge_config(database)))
        begun = time.monotonic()
        super().__init__(programs.bridge, "-n", "-c", config)
        ready = f"http://127.0.0.1:{BRIDGE}/_matrix/mau/ready"
        until(lambda: urllib.request.urlopen(ready).status == 200, "the bridge", pause=0.005)
        self.ready_after_s = time.monotonic() - begun


def log_in(harness: Harness):
    """Asks the bot for a login, which the pretend WebQQ confirms by itself."""
    control = harness.ask(op="dm", bot=f"@qqbot:{DOMAIN}")
    if not control["joined"]:
        sys.exit("bench: the bot did not come into the control room")
    time.sleep(1)
    harness.ask(op="say", room=control["room"], body="login")
    harness.polled()


def bridge_config(database: dict) -> dict:
    return {
        "network": {"webqq": {"server": f"http://127.0.0.1:{QQ}", "send_interval_ms": 0, "send_jitter_ms": 0}},
        "bridge": {"permissions": {DOMAIN: "user"}},
        "database": database,
        "homeserver": {"address": f"http://127.0.0.1:{HS}", "domain": DOMAIN},
        "appservice": {
            "address": f"http://127.0.0.1:{BRIDGE}",
            "port": BRIDGE,
            "as_token": AS_TOKEN,
            "hs_token": REGISTRATION["hs_token"],
        },
        "logging": {"min_level": "warn"},
    }


REGISTRATION = {
    "id": "qq",
    "url": f"http://127.0.0.1:{BRIDGE}",
    "as_token": AS_TOKEN,
    "hs_token": "hs-token-of-the-bench",
    "sender_localpart": "qqbot",
    "rate_limited": False,
    "namespaces": {"users": [{"exclusive": True, "regex": f"^@qq_.*:{DOMAIN}$"}]},
}


def until(attempt, what: str, seconds: float = 120, pause: float = 0.05):
    end = time.monotonic() + seconds
    while True:
        try:
            if found := attempt():
                return found
        except OSError:
            pass
        if time.monotonic() > end:
            sys.exit(f"bench: waited in vain for {what}")
        time.sleep(pause)
