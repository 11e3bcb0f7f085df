"""A person at the homeserver's client API, without a screen."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

from .http import Refused, call, fetch
from .process import Failure
from .synapse import SERVER_NAME, password

Event = dict[str, Any]
WAIT_SECONDS = 60
LEVELS = "m.room.power_levels"


class Person:
    """One of the homeserver's users, who sees whatever a client would see."""

    def __init__(self, homeserver: str, name: str, token: str | None = None) -> None:
        """With a session of their own, unless there is one with this access token."""
        self._homeserver, self._name, self.user_id = homeserver, name, f"@{name}:{SERVER_NAME}"
        self.token = token or self.another_token()
        self._transactions = itertools.count(time.time_ns())
        self._since: str | None = None
        self.timelines: dict[str, list[Event]] = {}
        self.invitations: dict[str, list[Event]] = {}

    def another_token(self) -> str:
        """The access token of a new session."""
        user = {"type": "m.id.user", "user": self._name}
        login = {"type": "m.login.password", "identifier": user, "password": password(self._name)}
        return call("POST", self._url("/v3/login"), login)["access_token"]

    def start_chat(self, user_id: str) -> str:
        """Opens a direct chat; the other one is invited."""
        room = {"preset": "trusted_private_chat", "is_direct": True, "invite": [user_id]}
        room_id = self._call("POST", "/v3/createRoom", room)["room_id"]
        self._call("PUT", f"/v3/user/{quote(self.user_id)}/account_data/m.direct", {user_id: [room_id]})
        return room_id

    def make_room(self, name: str, *guests: str) -> str:
        """Makes a private room."""
        return self._call("POST", "/v3/createRoom", {"preset": "private_chat", "name": name, "invite": guests})[
            "room_id"
        ]

    def give_power(self, room_id: str, user_id: str, level: int) -> None:
        """Gives somebody a power level."""
        levels = self.state(room_id, LEVELS)
        levels["users"][user_id] = level
        self._call("PUT", f"/v3/rooms/{quote(room_id)}/state/{LEVELS}", levels)

    def push_rule(self, room_id: str) -> list[Any] | None:
        """What the rule for a room has notifications do; `None` when there is no such rule."""
        try:
            return self._call("GET", f"/v3/pushrules/global/room/{quote(room_id)}")["actions"]
        except Refused as refused:
            if refused.reason != "M_NOT_FOUND":
                raise
            return None

    def join(self, room_id: str) -> None:
        """Accepts an invitation."""
        self._call("POST", f"/v3/join/{quote(room_id)}", {})

    def invite(self, room_id: str, user_id: str) -> None:
        """Asks somebody in."""
        self._call("POST", f"/v3/rooms/{quote(room_id)}/invite", {"user_id": user_id})

    def upgrade(self, room_id: str, version: str) -> None:
        """Has another room of this version replace a room; nobody is asked in."""
        self._call("POST", f"/v3/rooms/{quote(room_id)}/upgrade", {"new_version": version})

    def write(self, room_id: str, text: str) -> str:
        """Sends a text; its event id."""
        path = f"/v3/rooms/{quote(room_id)}/send/m.room.message/{next(self._transactions)}"
        return self._call("PUT", path, {"msgtype": "m.text", "body": text})["event_id"]

    def state(self, room_id: str, event_type: str, key: str = "") -> dict[str, Any]:
        """The content of one of a room's state events."""
        key = quote(key, safe="")
        return self._call("GET", f"/v3/rooms/{quote(room_id)}/state/{event_type}/{key}")

    def members(self, room_id: str) -> set[str]:
        """Who is in a room."""
        return set(self._call("GET", f"/v3/rooms/{quote(room_id)}/joined_members")["joined"])

    def media(self, uri: str) -> bytes:
        """The bytes of an `mxc://` address."""
        return fetch(self._url(f"/v1/media/download/{uri.removeprefix('mxc://')}"), self.token)

    def wait_invitation(self, sees: Callable[[list[Event]], bool], what: str) -> str:
        """The room of the first invitation whose stripped state passes."""
        return self._until(lambda: [room for room, state in self.invitations.items() if sees(state)], what)[0]

    def wait_room(self, sees: Callable[[list[str]], bool], what: str) -> str:
        """The first room that they are in whose texts pass."""
        return self._until(lambda: [room for room in self.timelines if sees(self.texts(room))], what)[0]

    def wait_event(self, room_id: str, sees: Callable[[Event], Any], what: str, after: str | None = None) -> Event:
        """The first event of a room that passes: of all that came, or of those behind the event `after`."""
        return self._until(lambda: [event for event in self._behind(room_id, after) if sees(event)], what)[0]

    def wait_join(self, room_id: str, user_id: str) -> None:
        """Waits until somebody has joined a room."""

        def joins(event: Event) -> bool:
            return event.get("state_key") == user_id and event["content"].get("membership") == "join"

        self.wait_event(room_id, joins, f"{user_id} to join")

    def wait_text(self, room_id: str, text: str, sender: Callable[[str], bool] = lambda _: True) -> Event:
        """The first message that contains a text."""
        return self.wait_event(
            room_id, lambda event: text in body(event) and sender(event["sender"]), f"“{text}” in the room"
        )

    def texts(self, room_id: str) -> list[str]:
        """What was said in a room, in order."""
        return [body(event) for event in self.timelines.get(room_id, []) if body(event)]

    def _behind(self, room_id: str, event_id: str | None) -> list[Event]:
        events = self.timelines.get(room_id, [])
        ids = [event["event_id"] for event in events]
        return events[ids.index(event_id) + 1 :] if event_id in ids else events if event_id is None else []

    def _until(self, find: Callable[[], list[Any]], what: str) -> list[Any]:
        end = time.monotonic() + WAIT_SECONDS
        while not (found := find()):
            if time.monotonic() > end:
                said = {room: self.texts(room)[-4:] for room in self.timelines}
                raise Failure(f"{self.user_id} waited {WAIT_SECONDS} s for {what}; sees {said}", "bridge")
            self._sync()
        return found

    def _sync(self) -> None:
        query = {"timeout": "1000", "filter": '{"room":{"timeline":{"limit":200}}}'} | (
            {"since": self._since} if self._since else {}
        )
        news = self._call("GET", f"/v3/sync?{urlencode(query)}")
        self._since = news["next_batch"]
        rooms = news.get("rooms", {})
        for room_id, room in rooms.get("join", {}).items():
            self.timelines.setdefault(room_id, []).extend(room["timeline"]["events"])
            self.invitations.pop(room_id, None)
        for room_id, room in rooms.get("invite", {}).items():
            self.invitations[room_id] = room["invite_state"]["events"]

    def _call(self, method: str, path: str, content: object = None) -> Any:
        return call(method, self._url(path), content, self.token)

    def _url(self, path: str) -> str:
        return f"{self._homeserver}/_matrix/client{path}"


def body(event: Event) -> str:
    """The text of a message; empty for every other event."""
    return event["content"].get("body", "") if event["type"] == "m.room.message" else ""


def called(name: str) -> Callable[[list[Event]], bool]:
    """Whether an invitation is to the room of this name."""
    return lambda state: any(
        event["type"] == "m.room.name" and name in event["content"].get("name", "") for event in state
    )
