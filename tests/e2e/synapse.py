"""A throw-away Synapse on SQLite: its configuration and its users."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

from .http import Refused, call
from .process import Process, healthy

SERVER_NAME = "hs.test"
USERS = ("alice", "bob", "admin")
# Tests and demos are in a hurry: nothing is limited.
NO_LIMIT = {"per_second": 10_000, "burst_count": 10_000}
LIMITS = ("message", "registration", "joins_per_room", "room_creation", "user_directory", "profile", "media_create")


def password(name: str) -> str:
    """The password of one of `USERS`."""
    return f"{name}-pass"


class Synapse:
    """One homeserver in one folder."""

    def __init__(self, folder: Path, port: int, registrations: tuple[Path, ...], log: Path) -> None:
        """With those of `registrations` that there are when it starts."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._port, self._registrations = folder, port, registrations
        self.url = f"http://127.0.0.1:{port}"
        command: list[str | Path] = [sys.executable, "-m", "synapse.app.homeserver", "-c", folder / "homeserver.yaml"]
        self.process = Process("synapse", command, log, healthy(f"{self.url}/health"))

    def start(self) -> None:
        """Starts it, and makes the users that are missing."""
        self._configure()
        self.process.start()
        for name in USERS:
            self._make_user(name)

    def restart(self) -> None:
        """Ends it, and starts it with the registrations that there are now."""
        self._configure()
        self.process.restart()

    def _configure(self) -> None:
        config = json.dumps(self._config(), indent=1)  # JSON is YAML, too
        (self._folder / "homeserver.yaml").write_text(config)

    def _config(self) -> dict[str, object]:
        limits = {f"rc_{name}": NO_LIMIT for name in LIMITS}
        return {
            "server_name": SERVER_NAME,
            "public_baseurl": f"{self.url}/",
            "listeners": [
                {
                    "port": self._port,
                    "bind_addresses": ["127.0.0.1"],
                    "type": "http",
                    "tls": False,
                    "resources": [{"names": ["client"]}],
                }
            ],
            "database": {"name": "sqlite3", "args": {"database": str(self._folder / "homeserver.db")}},
            "media_store_path": str(self._folder / "media"),
            "max_upload_size": "50M",
            "signing_key_path": self._kept("signing.key", signing_key),
            "registration_shared_secret_path": self._kept("secret", lambda: secrets.token_urlsafe(24)),
            "macaroon_secret_key_path": self._kept("macaroon", lambda: secrets.token_urlsafe(24)),
            "app_service_config_files": [str(it) for it in self._registrations if it.exists()],
            "user_directory": {"enabled": True, "search_all_users": True},
            "federation_domain_whitelist": [],  # nothing leaves this machine
            "trusted_key_servers": [],
            "report_stats": False,
            "bcrypt_rounds": 4,
            **limits,
            "rc_login": {"address": NO_LIMIT, "account": NO_LIMIT, "failed_attempts": NO_LIMIT},
            "rc_joins": {"local": NO_LIMIT, "remote": NO_LIMIT},
            "rc_invites": {"per_room": NO_LIMIT, "per_user": NO_LIMIT, "per_issuer": NO_LIMIT},
        }

    def _kept(self, name: str, make: Callable[[], str]) -> str:
        """The path of a small secret file, made at the first start."""
        file = self._folder / name
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(f"{make()}\n")
        return str(file)

    def _make_user(self, name: str) -> None:
        secret = (self._folder / "secret").read_text().strip().encode()
        url = f"{self.url}/_synapse/admin/v1/register"
        nonce = call("GET", url)["nonce"]
        role = "admin" if name == "admin" else "notadmin"
        words = "\0".join((nonce, name, password(name), role)).encode()
        user = {
            "nonce": nonce,
            "username": name,
            "displayname": name.title(),
            "password": password(name),
            "admin": role == "admin",
            "mac": hmac.new(secret, words, hashlib.sha1).hexdigest(),
        }
        try:
            call("POST", url, user)
        except Refused as refused:
            if refused.reason != "M_USER_IN_USE":
                raise


def signing_key() -> str:
    """A new ed25519 key as Synapse keeps it."""
    return "ed25519 a_demo " + base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
