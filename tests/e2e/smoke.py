"""The whole walk over HTTP: log in to QQ, talk both ways, survive a restart and a `kill -9`."""

from __future__ import annotations

from dataclasses import dataclass

from .console import Chat, Console
from .person import LEVELS, Event, Person, body, called
from .stack import BOT, Stack
from .walk import must, once, step

PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Portal:
    """A QQ chat and the room that mirrors it, with somebody at each end."""

    alice: Person
    console: Console
    chat: Chat
    room: str

    def qq_says(self, member: str, text: str) -> None:
        """Somebody in the group speaks, and alice reads it."""
        self.console.say(self.chat.address, member, text)
        self.alice.wait_text(self.room, text, is_ghost)

    def alice_says(self, text: str) -> None:
        """Alice speaks, and QQ hears it."""
        self.alice.write(self.room, text)
        self.console.wait_heard(self.chat.address, text)

    def talk(self, when: str) -> None:
        """One message each way."""
        with step(f"one message each way {when}"):
            self.qq_says(self.chat.members[-1], f"QQ: {when}")
            self.alice_says(f"Matrix: {when}")


def walk(stack: Stack) -> None:
    """Alice's first day with the bridge."""
    alice, console = Person(stack.homeserver.url, "alice"), Console(stack.console_url)
    control = log_in(alice, console)
    portal = meet(alice, console)
    look_around(portal, console.credentials()[0])
    with step("alice answers; QQ hears it"):
        portal.alice_says("火锅! Hot pot, at eight.")
    with step("the bridge is stopped and started"):
        stack.bridge.restart()
    portal.talk("after the restart")
    die(stack, portal)
    portal.talk("in the end")  # whatever came twice would have come before this
    with step("every word arrived once, and in order"):
        when = ("after the restart", "while it was dead", "in the end")
        once(alice.texts(portal.room), ["Dinner tonight?", *(f"QQ: {it}" for it in when)])
        once(console.heard_in(portal.chat.address), ["Hot pot", *(f"Matrix: {it}" for it in when)])
    with step("the bot still answers in the control room"):
        asked = alice.write(control, "help")
        alice.wait_event(control, lambda it: it["sender"] == BOT and body(it), "the bot's help", asked)


def log_in(alice: Person, console: Console) -> str:
    """From an empty room list to a working QQ account; the control room."""
    with step(f"alice starts a chat with {BOT}; the bot joins"):
        control = alice.start_chat(BOT)
        alice.wait_join(control, BOT)
    with step("alice writes “login”; the bot shows the QR code that the simulator made"):
        alice.write(control, "login")
        shown = alice.wait_event(control, lambda it: it["content"].get("msgtype") == "m.image", "the QR code")
        picture = alice.media(shown["content"]["url"])
        must(picture.startswith(PNG), "the QR code is not a PNG")
        must(picture == console.qr_picture(), "the QR code is not the one that the simulator made")
    with step("the code is scanned and confirmed on the phone; the bot says who is logged in"):
        console.log_in()
        account = console.account()
        alice.wait_event(control, lambda it: it["sender"] == BOT and account in body(it), f"the bot to name {account}")
    return control


def meet(alice: Person, console: Console) -> Portal:
    """A QQ group comes to Matrix."""
    group = console.group()
    friend = group.members[0]
    with step(f"{friend} writes in the QQ group “{group.name}”; alice is invited, joins, and reads it"):
        console.say(group.address, friend, "今晚吃什么? Dinner tonight?")
        room = alice.wait_invitation(called(group.name), f"an invitation to “{group.name}”")
        alice.join(room)
        said = alice.wait_text(room, "Dinner tonight?", is_ghost)
    with step(f"it is {said['sender']} who said so, and {friend} is the name that alice sees"):
        name = alice.state(room, "m.room.member", said["sender"]).get("displayname", "")
        must(friend in name, f"the ghost of {friend} is called {name}")
    return Portal(alice, console, group, room)


def look_around(portal: Portal, account: str) -> None:
    """What the room is like besides the words in it, and where it lies."""
    alice, room = portal.alice, portal.room
    with step("the room says which chat it mirrors; the owner on QQ has an office; the name is the bot's to change"):
        alice.wait_event(room, lambda it: it["type"] == LEVELS and 75 in it["content"]["users"].values(), "an owner")
        levels = alice.state(room, LEVELS)
        must(levels["events"]["m.room.name"] == 100, f"who may name the room: {levels}")
        must(alice.user_id not in levels["users"], f"alice has an office: {levels}")
        told = alice.state(room, "m.bridge", f"{BOT.partition(':')[2]}/qq")
        must(told["channel"]["displayname"] == portal.chat.name, f"the room mirrors {told}")
    with step("alice is asked into a space for the account; the room lies in that for groups"):
        for name, child in ((f"QQ {account}", None), ("Groups", room)):
            space = alice.wait_invitation(called(name), f"an invitation to the space “{name}”")
            alice.join(space)
            sorts = child or "!"
            alice.wait_event(space, lambda it, sorts=sorts: is_child(it, sorts), f"a room in “{name}”")
        alice.wait_event(
            room, lambda it: it["type"] == "m.space.parent" and it["state_key"] == space, "the room to say so"
        )


def is_child(event: Event, room: str) -> bool:
    """Whether an event puts `room`, or a room whose name begins so, into a space."""
    return event["type"] == "m.space.child" and event["state_key"].startswith(room) and bool(event["content"]["via"])


def die(stack: Stack, portal: Portal) -> None:
    """The bridge dies while both sides talk."""
    with step("the bridge is killed; meanwhile both sides write"):
        stack.bridge.kill()
        portal.console.say(portal.chat.address, portal.chat.members[0], "QQ: while it was dead")
        portal.alice.write(portal.room, "Matrix: while it was dead")
    with step("the bridge is started again; nothing is lost"):
        stack.bridge.start()
        portal.alice.wait_text(portal.room, "QQ: while it was dead", is_ghost)
        portal.console.wait_heard(portal.chat.address, "Matrix: while it was dead")


def is_ghost(user_id: str) -> bool:
    """Whether a Matrix user stands in for somebody on QQ."""
    return user_id.startswith("@qq_")
