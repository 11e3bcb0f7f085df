"""The simulator's console API: the QQ side of the conversation."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from .http import call, fetch
from .process import Failure

WAIT_SECONDS = 60


@dataclass(frozen=True)
class Chat:
    """A group or friend of the simulated world, and those in it who go by one name only: no card, no remark."""

    kind: str
    name: str
    members: tuple[str, ...]

    @property
    def address(self) -> str:
        """How the console calls it."""
        return f"{self.kind}:{self.name}"


class Console:
    """What a person does on the simulator's page."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/api"

    def account(self) -> str:
        """The nick of the QQ account."""
        return self._get("world")["account"]["nick"]

    def credentials(self) -> tuple[str, str]:
        """Number and password of the QQ account."""
        account = self._get("world")["account"]
        return str(account["number"]), account["password"]

    def group(self, index: int = 0) -> Chat:
        """One of the world's groups; the first one has at least two such members."""
        world = self._get("world")
        group, friends = world["groups"][index], {friend["name"] for friend in world["friends"]}
        plain = [member["name"] for member in group["members"] if member.keys() == {"name"}]
        return Chat("group", group["name"], tuple(name for name in plain if name not in friends))

    def wait_qr(self, state: str) -> None:
        """Waits until the QR code is in this state."""
        self._until(lambda: self._get("qr")["state"] == state, f"the QR code to be {state}")

    def asks_for_scan(self) -> bool:
        """Whether a client shows a QR code that nobody has scanned yet."""
        return self._get("qr")["state"] == "waiting"

    def qr_picture(self) -> bytes:
        """The QR code that the simulator gave away last."""
        return fetch(f"{self._url}/qr.png")

    def scan(self) -> None:
        """Points the phone's camera at it."""
        self._post("qr/scan")

    def confirm(self) -> None:
        """Presses "log in" on the phone."""
        self._post("qr/confirm")

    def log_in(self) -> None:
        """Scans the code that a client shows, and confirms."""
        self.wait_qr("waiting")
        self.scan()
        self.confirm()

    def kick(self) -> None:
        """Ends the session: the account has logged in elsewhere."""
        self._post("kick")

    def session(self) -> dict[str, Any]:
        """How the account's login stands; `calls` counts the calls of each endpoint."""
        return self._get("session")

    def wait_offline(self) -> None:
        """Waits until the account has no session."""
        self._until(lambda: not self.session()["online"], "the account to be offline")

    def fault(self, endpoint: str, kind: str, value: object = None) -> None:
        """Orders misbehaviour for the next call of an endpoint."""
        self._post("fault", {"endpoint": endpoint, "kind": kind, "value": value})

    def say(self, chat: str, member: str, text: str) -> None:
        """Somebody on QQ writes a text."""
        self._post("say", {"chat": chat, "as": member, "text": text})

    def show(self, chat: str, member: str, picture: str) -> None:
        """Somebody on QQ sends one of the world's pictures."""
        query = urlencode({"chat": chat, "as": member, "name": picture})
        call("POST", f"{self._url}/picture?{query}")

    def picture(self) -> str:
        """The name of one of the world's pictures."""
        return self._get("world")["pictures"][0]["name"]

    def act(self, deed: str, **particulars: object) -> None:
        """Somebody on QQ does something besides speaking."""
        self._post("act", {"do": deed, **particulars})

    def friend(self, index: int = 0) -> Chat:
        """One of those who go by this name alone."""
        name = [it["name"] for it in self._get("world")["friends"] if not {"nick", "markname"} & it.keys()][index]
        return Chat("friend", name, (name,))

    def asked(self) -> list[dict[str, Any]]:
        """What was asked of the account, and what the bridge answered."""
        return self._get("asked")

    def heard(self) -> list[dict[str, Any]]:
        """Every message that QQ accepted from the bridge, in order."""
        return self._get("heard?after=0")

    def heard_in(self, chat: str) -> list[str]:
        """What QQ accepted in one chat, in order."""
        return [it["text"] for it in self.heard() if it["chat"] == chat]

    def rules(self, **changes: object) -> None:
        """Changes how the service behaves: options of the world file."""
        self._post("rules", changes)

    def wait_another_code(self, before: bytes) -> None:
        """Waits until the bridge has asked for another QR code than the one in this picture."""
        self._until(lambda: self.qr_picture() != before, "another QR code")

    def captcha(self) -> str:
        """What is to be read in the newest captcha."""
        return self._get("captcha")["text"]

    def wait_heard(self, chat: str, text: str) -> None:
        """Waits until QQ has accepted this very text in this chat."""
        wanted = (chat, text)
        self._until(
            lambda: any((it["chat"], it["text"]) == wanted for it in self.heard()), f"“{text}” to be heard in {chat}"
        )

    def _until(self, test: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + WAIT_SECONDS
        while not test():
            if time.monotonic() > end:
                raise Failure(
                    f"the simulator waited {WAIT_SECONDS} s for {what}; it heard {self.heard()[-5:]}", "bridge"
                )
            time.sleep(0.1)

    def _get(self, path: str) -> Any:
        return call("GET", f"{self._url}/{path}")

    def _post(self, path: str, content: object = None) -> Any:
        return call("POST", f"{self._url}/{path}", content or {})
