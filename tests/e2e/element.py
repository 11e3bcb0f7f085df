"""A person in Element's own UI, in headless Chromium."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, sync_playwright

from .process import Failure
from .synapse import password

WAIT_SECONDS = 60
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
# Every message of the open room, oldest first. `image` is null for a text, else whether it has loaded.
MESSAGES = """() => {
    const client = window.mxMatrixClientPeg.get();
    const room = client.getRoom(/!.[^/?]*/.exec(window.location.hash)?.[0]);
    const tiles = [...document.querySelectorAll(".mx_EventTile[data-event-id]")];
    return tiles.filter((tile) => tile.querySelector(".mx_EventTile_content, .mx_MImageBody")).map((tile) => {
        const id = tile.dataset.eventId, picture = tile.querySelector("img.mx_MImageBody_thumbnail");
        return {
            sender: room?.findEventById(id)?.getSender() ?? client.getUserId(),
            text: (tile.querySelector(".mx_EventTile_body")?.innerText ?? "").trim(),
            sent: id.startsWith("$") && !tile.querySelector(".mx_EventTile_receiptSending"),
            image: picture && picture.naturalWidth > 0,
        };
    });
}"""
# By the room's address: the list may be scrolled, folded or under a toast.
ROOM_CALLED = """(name) => window.mxMatrixClientPeg?.get()?.getRooms()
    .find((it) => it.name.includes(name) && ["join", "invite"].includes(it.getMyMembership()))?.roomId"""

LEFT = "(room) => window.mxMatrixClientPeg.get().getRoom(room)?.getMyMembership() !== 'join'"
CALM = """async () => {
    for (const what of ["showJoinLeaves", "showAvatarChanges", "showDisplaynameChanges"])
        await window.mxSettingsStore.setValue(what, null, "account", false);
}"""
# Settings, Labs, Developer mode: only then is there a command for upgrades.
DEVELOPER = "window.mxSettingsStore.setValue('developerMode', null, 'account', true)"


@dataclass(frozen=True)
class Shown:
    """A message on the screen."""

    sender: str
    text: str
    sent: bool
    image: bool | None


class Element:
    """One person's window."""

    def __init__(self, page: Page) -> None:
        self._page = page
        page.set_default_timeout(1000 * WAIT_SECONDS)

    def log_in(self, url: str, name: str) -> None:
        """Signs in with the form."""
        self._page.goto(url)
        self._page.fill("#mx_LoginForm_username", name)
        self._page.fill("#mx_LoginForm_password", password(name))
        self._page.click(".mx_Login_submit")
        later = self._page.get_by_role("button", name=re.compile("^(Skip verification for now|I'll verify later)$"))

        def ready() -> bool:
            if later.first.is_visible():  # on an account that has other devices
                later.first.click()
            return self._at(".mx_LeftPanel").is_visible()

        self._until(ready, "the room list")

    def start_chat(self, user_id: str, first: str) -> None:
        """The way that people start a direct chat: "+" beside People, the user id, Go, the first message."""
        self._page.get_by_role("button", name="Start chat").first.click()
        self._page.locator(".mx_InviteDialog_editor input").fill(user_id)
        self._page.locator(".mx_InviteDialog_goButton").click()
        self._at(".mx_RoomView--local .mx_NewRoomIntro").wait_for()  # the room is made by the first message
        self.write(first)

    def accept(self, room: str) -> None:
        """Waits for an invitation, accepts it, and stays in the room."""
        self.open(room)
        self._at(".mx_RoomPreviewBar .mx_AccessibleButton_kind_primary").click()
        self._composer().wait_for()

    def open(self, room: str) -> None:
        """Goes to a room, or to the invitation to it."""
        found = self._page.wait_for_function(ROOM_CALLED, arg=room).json_value()
        self._page.evaluate('(room) => { window.location.hash = "#/room/" + room; }', found)

    def room(self) -> str:
        """The id of the open room."""
        return self._page.evaluate("window.location.hash").partition("#/room/")[2].partition("?")[0]

    def is_without(self, room_id: str) -> None:
        """Waits until one is in this room no more."""
        self._page.wait_for_function(LEFT, arg=room_id)

    def enter(self, space: str) -> None:
        """Goes to a space that one is in."""
        self._page.get_by_label(space, exact=True).first.click()

    def hides_changes(self) -> None:
        """Settings, Preferences: who comes and goes, and who looks how, is not shown."""
        self._page.evaluate(CALM)

    def write(self, text: str) -> None:
        """Types a text, presses Enter, and waits until the homeserver has it."""
        self._composer().fill(text)
        self._composer().press("Enter")
        self.sees(lambda it: it.text == text and it.sent, f"“{text}” to be sent")

    def upgrade(self, version: str) -> None:
        """Has another room of this version replace the open one, and asks everybody in, as Element does by itself."""
        self._page.evaluate(DEVELOPER)
        self._composer().fill(f"/upgraderoom {version}")
        self._composer().press("Enter")
        self._at(".mx_RoomUpgradeWarningDialog .mx_Dialog_primary").click()
        self._at(".mx_MessageComposer_roomReplaced_link").wait_for()

    def write_secret(self, text: str) -> None:
        """Types a text, presses Enter, and waits until it was sent and taken down again."""
        self._composer().fill(text)
        self._composer().press("Enter")
        self._until(
            lambda: self._at(".mx_RedactedBody").is_visible() and all(text not in it.text for it in self.messages()),
            "a message to be taken down",
        )

    def token(self) -> str:
        """The access token of this window (Settings, Help & About)."""
        return self._page.evaluate("window.mxMatrixClientPeg.get().getAccessToken()")

    def asks(self, command: str, answer: str, bot: str) -> Shown:
        """Types a command and waits until the bot has answered it with this text."""
        self.write(command)
        return self.sees_answer(command, answer, bot)

    def sees_answer(self, command: str, answer: str, bot: str) -> Shown:
        """Waits until the bot says something with this text behind the last message that is the command."""

        def found() -> Shown | None:
            messages = self.messages()
            asked = max((n for n, it in enumerate(messages) if it.text == command), default=len(messages))
            return next((it for it in messages[asked:] if it.sender == bot and answer in it.text), None)

        shown: Shown = self._until(found, f"“{answer}” as the answer to “{command}”")
        return shown

    def reads(self, text: str, sender: str = "") -> Shown:
        """Waits until a message of the open room contains a text."""
        return self.sees(lambda it: text in it.text and it.sender.startswith(sender), f"“{text}” on the screen")

    def sees_picture(self) -> None:
        """Waits until a picture in the open room has loaded."""
        self.sees(lambda it: it.image is True, "a picture on the screen")

    def sees(self, test: Callable[[Shown], bool], what: str) -> Shown:
        """Waits until a message of the open room passes."""
        shown: Shown = self._until(lambda: next(filter(test, self.messages()), None), what)
        return shown

    def messages(self) -> list[Shown]:
        """Every message of the open room, oldest first."""
        return [Shown(**message) for message in self._page.evaluate(MESSAGES)]

    def screenshot(self, file: Path) -> None:
        """Keeps what is on the screen, as it looks to somebody who knows Element: no hints, nothing unread."""
        hint = self._page.get_by_role("button", name="OK", exact=True)
        if hint.is_visible():
            hint.click()
        self._at(".mx_RoomView_timeline").hover()  # a moving mouse is what Element takes for somebody who reads
        self._until(
            lambda: not self._at(".mx_RoomTile_selected .mx_NotificationBadge").is_visible(), "the room to be read"
        )
        self._page.mouse.move(0, 0)
        self._page.add_style_tag(content=".mx_ToastContainer, .mx_Tooltip { display: none }")
        self._page.screenshot(path=file)

    def _composer(self) -> Locator:
        return self._at(".mx_BasicMessageComposer_input")

    def _at(self, selector: str) -> Locator:
        return self._page.locator(selector).first

    def _until(self, find: Callable[[], Any], what: str) -> Any:
        end = time.monotonic() + WAIT_SECONDS
        while not (found := find()):
            if time.monotonic() > end:
                raise Failure(f"Element waited {WAIT_SECONDS} s for {what}", "bridge")
            self._page.wait_for_timeout(100)
        return found


@contextmanager
def window(failed: Path) -> Iterator[Element]:
    """Opens Chromium; a failure leaves a screenshot behind."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        page = browser.new_page(viewport={"width": 1200, "height": 760})
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        try:
            yield Element(page)
        except Exception:
            page.screenshot(path=failed)
            print(f"  what was on the screen: {failed}; errors of the page: {problems}")
            raise
        finally:
            browser.close()
