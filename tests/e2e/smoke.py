"""The whole walk over HTTP: log in to QQ, talk both ways, survive a restart and a `kill -9`."""

from __future__ import annotations

from .console import Console, Group
from .person import Event, Person, body, called
from .stack import BOT, Stack
from .walk import must, once, step

PNG = b"\x89PNG\r\n\x1a\n"


def walk(stack: Stack) -> None:
    """Alice's first day with the bridge."""
    alice, console = Person(stack.homeserver.url, "alice"), Console(stack.console_url)
    group = console.group()
    friend, other = group.members[:2]
    control = log_in(alice, console)
    with step(f"{friend} writes in the QQ group “{group.name}”; alice is invited, joins, and reads it"):
        console.say(group.chat, friend, "今晚吃什么? Dinner tonight?")
        room = alice.wait_invitation(called(group.name), f"an invitation to “{group.name}”")
        alice.join(room)
        said = alice.wait_text(room, "Dinner tonight?", is_ghost)
    with step(f"the group's picture of it is right: {said['sender']} says it, under the name “{friend}”"):
        name = alice.state(room, "m.room.member", said["sender"]).get("displayname", "")
        must(friend in name, f"the ghost of {friend} is called {name}")
    with step("alice answers; QQ hears it"):
        alice.write(room, "火锅! Hot pot, at eight.")
        console.wait_heard(group.chat, "火锅! Hot pot, at eight.")
    with step("the bridge is stopped and started"):
        stack.bridge.stop()
        stack.bridge.start()
    talk(alice, console, group, room, other, "after the restart")
    with step("the bridge is killed; meanwhile both sides write"):
        stack.bridge.kill()
        console.say(group.chat, friend, "QQ: while it was dead")
        alice.write(room, "Matrix: while it was dead")
    with step("the bridge is started again; nothing is lost"):
        stack.bridge.start()
        alice.wait_text(room, "QQ: while it was dead", is_ghost)
        console.wait_heard(group.chat, "Matrix: while it was dead")
    talk(alice, console, group, room, other, "in the end")
    with step("every word arrived once, and in order"):
        qq = ["Dinner tonight?", "QQ: after the restart", "QQ: while it was dead", "QQ: in the end"]
        matrix = ["Hot pot", "Matrix: after the restart", "Matrix: while it was dead", "Matrix: in the end"]
        once(alice.texts(room), qq)
        once([it["text"] for it in console.heard() if it["chat"] == group.chat], matrix)
    with step("the bot still answers in the control room"):
        answered = len(said_by_bot(alice, control))
        alice.write(control, "help")
        alice.wait_event(control, lambda _: len(said_by_bot(alice, control)) > answered, "the bot's help")


def log_in(alice: Person, console: Console) -> str:
    """From an empty room list to a working QQ account; the control room."""
    with step(f"alice starts a chat with {BOT}; the bot joins"):
        control = alice.start_chat(BOT)
        alice.wait_event(control, lambda it: it.get("state_key") == BOT and it["content"].get("membership") == "join", "the bot to join")
    with step("alice writes “login”; the bot shows the QR code that the simulator made"):
        alice.write(control, "login")
        shown = alice.wait_event(control, lambda it: it["content"].get("msgtype") == "m.image", "the QR code")
        picture = alice.media(shown["content"]["url"])
        must(picture.startswith(PNG), "the QR code is not a PNG")
        must(picture == console.qr_picture(), "the QR code is not the one that the simulator made")
    with step("the code is scanned and confirmed on the phone; the bot says who is logged in"):
        console.wait_qr("waiting")
        console.scan()
        console.confirm()
        account = console.account()
        alice.wait_event(control, lambda it: it["sender"] == BOT and account in body(it), f"the bot to name {account}")
    return control


def talk(alice: Person, console: Console, group: Group, room: str, member: str, when: str) -> None:
    """One message each way."""
    with step(f"one message each way {when}"):
        console.say(group.chat, member, f"QQ: {when}")
        alice.wait_text(room, f"QQ: {when}", is_ghost)
        alice.write(room, f"Matrix: {when}")
        console.wait_heard(group.chat, f"Matrix: {when}")


def is_ghost(user_id: str) -> bool:
    """Whether a Matrix user stands in for somebody on QQ."""
    return user_id.startswith("@qq_")


def said_by_bot(alice: Person, control: str) -> list[Event]:
    """What the bot said in the control room."""
    return [event for event in alice.timelines[control] if event["sender"] == BOT and body(event)]
