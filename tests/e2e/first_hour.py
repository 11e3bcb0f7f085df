"""The first hour of somebody who has never seen the bridge, in Element: from “help” to the end of the session."""

from __future__ import annotations

import sys

from .browser import meet, talk
from .console import Chat, Console
from .element import Element, window
from .stack import BOT, BOT_NAME, Stack
from .walk import must, once, run_once, step


def walk(stack: Stack) -> None:
    """Alice, who administers nothing, finds her way by what the bot says."""
    console = Console(stack.console_url)
    friend, group = console.friend(), console.group()
    with window(stack.folder / "failed.png") as alice:
        asks_around(alice, stack, console)
        opens(alice, friend)
        for when in ("at first", "after that"):
            talk(alice, console, friend, when)
        meet(alice, console, group)
        sees_a_picture(alice, console, group)
        takes_aside(alice, stack, console, group)
        slips(alice, friend)
        is_kicked(alice, console, friend, group)
        reads_on(alice, console, friend, group)
        goes(alice, console)


def asks_around(alice: Element, stack: Stack, console: Console) -> None:
    """What there is, and how one gets in."""
    with step("alice signs in to Element, and asks the bot for help"):
        alice.log_in(stack.element_url, "alice")
        alice.start_chat(BOT, "help")
        told = alice.sees_answer("help", "These are the commands", BOT)
        once(told.text.splitlines(), ["login [qr", "logout [", "friends [", "open ["])
        must("sudo" not in told.text, "she is shown what only administrators may do")
    with step("she writes “login”, sees a QR code, scans it and confirms"):
        alice.asks("login", "Waiting for the scan", BOT)
        alice.sees_picture()
        console.log_in()
        alice.reads("You are logged in.", BOT)


def opens(alice: Element, friend: Chat) -> None:
    """A room without waiting for a message."""
    with step(f"“friends” names {friend.name}; “open {friend.name}” brings an invitation"):
        alice.asks("friends", friend.name, BOT)
        alice.asks(f"open {friend.name}", "look for the invitation", BOT)
        alice.accept(friend.name)


def sees_a_picture(alice: Element, console: Console, group: Chat) -> None:
    """A picture from QQ."""
    with step("somebody shows a picture; she sees it"):
        console.show(group.address, group.members[0], console.picture())
        alice.sees_picture()


def takes_aside(alice: Element, stack: Stack, console: Console, group: Chat) -> None:
    """A room that she makes herself, for a friend."""
    friend = console.friend(1)
    with step(f"{friend.name} writes in the group; the bridge is killed"):
        console.say(group.address, friend.name, "Got a minute?")
        ghost = alice.reads("Got a minute?", "@qq_").sender
        stack.bridge.kill()
    with step("she starts a direct chat with who said so, all the same; after a start she is heard there"):
        alice.start_chat(ghost, "Matrix: aside")
        alice.write("Matrix: just us")
        stack.bridge.start()
        alice.reads("This room mirrors a QQ chat from now on", BOT)
    talk(alice, console, friend, "between us")
    with step("each word went to the friend once, and in order"):
        once(console.heard_in(friend.address), ["Matrix: aside", "Matrix: just us", "Matrix: between us"])


def slips(alice: Element, friend: Chat) -> None:
    """A command that there is not."""
    with step("she mistypes a command, is told which one was meant, and writes that"):
        alice.open(BOT_NAME)
        alice.asks("frends", "Did you mean friends?", BOT)
        alice.asks("friends", friend.name, BOT)


def is_kicked(alice: Element, console: Console, friend: Chat, group: Chat) -> None:
    """The account logs in elsewhere; everybody goes on."""
    with step("the session is kicked; the bot tells her"):
        console.kick()
        alice.reads(f"The QQ session of {console.account()}", BOT)
    with step("meanwhile people on QQ and she herself go on writing"):
        for n, member in enumerate((*group.members, *group.members)):
            console.say(group.address, member, f"QQ: meanwhile {n}")
        console.say(friend.address, friend.name, "QQ: meanwhile")
        alice.open(group.name)
        alice.write("Matrix: meanwhile")
        alice.write("Matrix: and more of it")
    with step("she scans the code that the bot has offered"):
        alice.open(BOT_NAME)
        alice.reads("To go on, scan this QR code", BOT)
        console.log_in()
        alice.sees_answer("friends", "You are logged in.", BOT)


def reads_on(alice: Element, console: Console, friend: Chat, group: Chat) -> None:
    """The same rooms go on, with everything that was said."""
    alice.open(group.name)
    talk(alice, console, group, "again")  # whatever came twice would have come before this
    with step("in the room of the group is every word once, in order, and QQ has heard hers"):
        meanwhile = [f"QQ: meanwhile {n}" for n in range(2 * len(group.members))]
        once([it.text for it in alice.messages()], ["Dinner tonight?", "See you at eight.", *meanwhile, "QQ: again"])
        said = ["Hot pot", "Matrix: meanwhile", "Matrix: and more of it", "Matrix: again"]
        once(console.heard_in(group.address), said)
    alice.open(friend.name)
    talk(alice, console, friend, "again")
    with step("so it is in the room of the friend"):
        when = ("at first", "after that", "meanwhile", "again")
        once([it.text for it in alice.messages()], [f"QQ: {it}" for it in when])
        once(console.heard_in(friend.address), [f"Matrix: {it}" for it in when if it != "meanwhile"])


def goes(alice: Element, console: Console) -> None:
    """The books, and the end."""
    with step("“audit” says that nothing was lost either way; “logout” ends the session"):
        alice.open(BOT_NAME)
        told = alice.asks("audit", "Matrix → QQ", BOT)
        once(told.text.splitlines(), ["lost = 0", "lost = 0"])
        alice.asks("logout", "Logged out", BOT)
    with step("QQ agrees"):
        console.wait_offline()


if __name__ == "__main__":
    sys.exit(run_once("first-hour", walk))
