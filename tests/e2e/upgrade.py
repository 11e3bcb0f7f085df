"""Rooms are upgraded on a real Synapse, and the chats go on in those that replace them."""

from __future__ import annotations

import sys
from dataclasses import replace

from .console import Console
from .element import window
from .http import Refused
from .people import asks, is_bot
from .person import Event, Person
from .smoke import Portal, is_ghost, log_in, meet
from .stack import BOT, Stack
from .walk import must, once, run_once, step

# What Synapse makes rooms of by itself: in it nobody is above those who made a room, and they are in no list.
VERSION = "12"
TOMBSTONE = "m.room.tombstone"


def walk(stack: Stack) -> None:
    """Alice upgrades the room of a group in Element, and that of a friend by a program."""
    alice, console = Person(stack.homeserver.url, "alice"), Console(stack.console_url)
    log_in(alice, console)
    group = meet(alice, console)
    group.talk("in the old room")
    gets_the_power(stack, group)
    move(group, upgraded_in_element(stack, group))
    friend = meet_friend(alice, console)
    friend.talk("in the old room")
    move(friend, upgraded_by_program(friend))


def gets_the_power(stack: Stack, portal: Portal) -> None:
    """The levels of a group's room follow QQ: an upgrade takes what only an administrator of the bridge gives."""
    alice, admin = portal.alice, Person(stack.homeserver.url, "admin")
    with step("alice may not upgrade the room of the group"):
        try:
            alice.upgrade(portal.room, VERSION)
        except Refused as refused:
            must(refused.reason == "M_FORBIDDEN", str(refused))
        else:
            must(False, "she may")
    with step("the administrator writes “doin … set-pl … 100”"):
        control = admin.start_chat(BOT)
        admin.wait_join(control, BOT)
        asks(admin, control, f"doin {portal.room} set-pl {alice.user_id} 100", "has the power level 100")


def upgraded_in_element(stack: Stack, portal: Portal) -> str:
    """The room that replaces that of a portal; Element asks everybody in."""
    with step("alice types “/upgraderoom” in Element; everybody is asked into the new room"):
        with window(stack.folder / "failed.png") as screen:
            screen.log_in(stack.element_url, "alice")
            screen.open(portal.chat.name)
            screen.upgrade(VERSION)
            new = replacement(portal)
            portal.alice.wait_join(new, BOT)  # Element asks people in one by one, as long as its window is open
        return new


def upgraded_by_program(portal: Portal) -> str:
    """The same of a program, which asks nobody in: the bot says what it needs."""
    alice = portal.alice
    with step("a program upgrades the room of a friend, and asks nobody in; the bot says what to do"):
        alice.upgrade(portal.room, VERSION)
        new = replacement(portal)
        alice.wait_text(portal.room, "I cannot enter the room that replaces this one", is_bot)
    with step("the friend and alice write meanwhile, which waits; alice asks the bot in"):
        portal.console.say(portal.chat.address, portal.chat.members[0], "QQ: in between")
        alice.write(new, "Matrix: in between")
        alice.invite(new, BOT)
        alice.wait_text(new, "QQ: in between", is_ghost)
        portal.console.wait_heard(portal.chat.address, "Matrix: in between")
    return new


def replacement(portal: Portal) -> str:
    """The room that the tombstone leads to."""
    tombstone = portal.alice.wait_event(portal.room, lambda it: it["type"] == TOMBSTONE, "a tombstone")
    return tombstone["content"]["replacement_room"]


def move(old: Portal, room: str) -> None:
    """The chat goes on in `room`, and in no other."""
    alice, new = old.alice, replace(old, room=room)
    with step(f"the bot says that the room goes on with the chat of {old.chat.name}"):
        alice.wait_text(room, "goes on with the chat of the room that it replaces", is_bot)
    new.talk("in the new room")
    with step("what alice writes in the old room all the same still goes to QQ"):
        old.alice_says("Matrix: late in the old room")
    new.talk("in the end")  # whatever came twice would have come before this
    with step("every word arrived once, in its room, and in order"):
        when = ("in the old room", "in the new room", "late in the old room", "in the end")
        qq, matrix = [f"QQ: {it}" for it in when if "late" not in it], [f"Matrix: {it}" for it in when]
        once(old.console.heard_in(old.chat.address), matrix)
        once([*ghosts_in(old), *ghosts_in(new)], qq)
        must(not ghosts_in(old, after_tombstone=True), f"the old room heard {ghosts_in(old, after_tombstone=True)}")


def ghosts_in(portal: Portal, *, after_tombstone: bool = False) -> list[str]:
    """What ghosts said in the room of a portal: ever, or since another replaces it."""
    events = portal.alice.timelines[portal.room]
    if after_tombstone:
        events = events[[it["type"] for it in events].index(TOMBSTONE) :]
    return [it["content"]["body"] for it in events if said_by_ghost(it)]


def said_by_ghost(event: Event) -> bool:
    """Whether somebody on QQ said something."""
    return event["type"] == "m.room.message" and is_ghost(event["sender"])


def meet_friend(alice: Person, console: Console) -> Portal:
    """A friend comes to Matrix."""
    friend = console.friend()
    with step(f"{friend.name} writes; alice is invited, joins, and reads it"):
        console.say(friend.address, friend.name, "Hello!")
        room = alice.wait_invitation(is_direct, f"an invitation of {friend.name}")
        alice.join(room)
        alice.wait_text(room, "Hello!", is_ghost)
    return Portal(alice, console, friend, room)


def is_direct(invitation: list[Event]) -> bool:
    """Whether a ghost asks into a direct chat."""
    return any(it["content"].get("is_direct") is True and is_ghost(it["sender"]) for it in invitation)


if __name__ == "__main__":
    sys.exit(run_once("upgrade", walk))
