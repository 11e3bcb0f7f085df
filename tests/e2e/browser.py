"""Two walks in Element's own UI: a person's first day, and the same in the years of passwords."""

from __future__ import annotations

import os
from pathlib import Path

from .console import Chat, Console
from .element import Element, window
from .person import Person, called
from .stack import BOT, Stack
from .walk import must, once, step

WHEN = ("after the restart", "while it was dead", "in the end")
LOGIN_PICTURE, CAPTCHA_PICTURE, GROUP_PICTURE = (
    Path(f"docs/element-{name}.png") for name in ("login", "captcha", "group")
)
# The last one that took passwords.
PASSWORD_ERA = "2014"


def walk(stack: Stack) -> None:
    """Alice's first day with the bridge, as she sees it."""
    console = Console(stack.console_url)
    group = console.group()
    with window(stack.folder / "failed.png") as alice:
        log_in(alice, stack, console)
        meet(alice, console, group)
        if is_wanted(GROUP_PICTURE):
            furnish(alice, stack, console, group)
            photograph(alice, GROUP_PICTURE)
        restart(alice, stack, console, group)
        talk(alice, console, group, "in the end")  # whatever came twice would have come before this
        with step("every word is on the screen once, and was heard once, in order"):
            qq = ["Dinner tonight?", *(f"QQ: {when}" for when in WHEN)]
            matrix = ["Hot pot", *(f"Matrix: {when}" for when in WHEN)]
            once([it.text for it in alice.messages()], qq)
            once(console.heard_in(group.address), matrix)


def log_in(alice: Element, stack: Stack, console: Console) -> None:
    """From Element's sign-in form to a working QQ account."""
    with step("alice signs in to Element"):
        alice.log_in(stack.element_url, "alice")
    with step(f"she starts a chat with {BOT}, writes “login”, and sees a QR code"):
        alice.start_chat(BOT, "login")
        alice.sees_picture()
        alice.reads("Waiting for the scan", BOT)
    photograph(alice, LOGIN_PICTURE)
    with step("nobody scans it in time; another code takes its place"):
        late = console.qr_picture()
        console.rules(qr_lifetime_ms=0)
        console.wait_another_code(late)
        console.rules(qr_lifetime_ms=120_000)
        alice.reads("code 2 of", BOT)
    with step("her phone scans the code; the bot's status line follows"):
        console.wait_qr("waiting")
        console.scan()
        alice.reads("Now confirm the login", BOT)
    with step("she confirms; the bot says who is logged in"):
        console.confirm()
        alice.reads(console.account(), BOT)


def walk_by_password(stack: Stack) -> None:
    """The way in before 2015: number, password, captcha."""
    console = Console(stack.console_url)
    console.rules(era=PASSWORD_ERA)
    number, password = console.credentials()
    with window(stack.folder / "failed.png") as alice:
        with step("alice signs in to Element"):
            alice.log_in(stack.element_url, "alice")
        with step("she writes “login password” with her QQ number; the bot asks for the password"):
            alice.start_chat(BOT, f"login password {number}")
            alice.reads("Write the password of", BOT)
        with step("she types it; the message is taken down before she can do so herself"):
            alice.write_secret(password)
        with step("the bot shows a captcha"):
            alice.sees_picture()
            alice.reads("Write what you read in the picture", BOT)
        photograph(alice, CAPTCHA_PICTURE)
        with step("she misreads it, and gets another one; she reads that rightly; the bot says who is logged in"):
            alice.write("oops")
            alice.reads("That was not what the picture said", BOT)
            alice.write(console.captcha())
            alice.reads(console.account(), BOT)
        meet(alice, console, console.group())
        with step("the password is in no file of the bridge"):
            files = [it for it in (*stack.folder.glob("bridge/**/*"), stack.bridge.log) if it.is_file()]
            told = [it.name for it in files if password.encode() in it.read_bytes()]
            must(not told, f"the password is in {told}")


def meet(alice: Element, console: Console, group: Chat) -> None:
    """A QQ group comes to Element."""
    friend, other = group.members[:2]
    with step(f"{friend} writes in the QQ group “{group.name}”; she accepts the invitation and reads it"):
        console.say(group.address, friend, "今晚吃什么? Dinner tonight? [微笑]")
        alice.accept(group.name)
        alice.reads("Dinner tonight?", "@qq_")
    with step("she types an answer; QQ hears it"):
        alice.write("火锅! Hot pot, at eight.")
        console.wait_heard(group.address, "火锅! Hot pot, at eight.")
    with step(f"{other} and {friend} answer her"):
        console.say(group.address, other, "好主意 [强] The usual place?")
        console.say(group.address, friend, "老地方, 八点见! See you at eight.")
        alice.reads("See you at eight.", "@qq_")


def is_wanted(picture: Path) -> bool:
    """Whether there is no such picture for the documentation, or a new one is asked for."""
    return os.environ.get("UPDATE_SCREENSHOT") == "1" or not picture.exists()


def photograph(alice: Element, picture: Path) -> None:
    """A picture for the documentation, when it is wanted."""
    if is_wanted(picture):
        with step(f"a picture of it: {picture}"):
            alice.screenshot(picture)


def furnish(alice: Element, stack: Stack, console: Console, group: Chat) -> None:
    """What an account is like that is in use: its space, some rooms, a picture."""
    with step("she enters the space of her account; more people write"):
        space, person = f"QQ {console.credentials()[0]}", Person(stack.homeserver.url, "alice", alice.token())
        for name in (space, "Groups"):
            person.join(person.wait_invitation(called(name), f"an invitation to “{name}”"))
        family, friend = console.group(1), console.friend()
        for chat, text in ((family, "周末回家吃饭吗？"), (friend, "See you tomorrow!")):
            console.say(chat.address, chat.members[0], text)
            alice.accept(chat.name)
            alice.reads(text, "@qq_")
        alice.enter(space)
        alice.open(group.name)
        alice.hides_changes()
        console.show(group.address, group.members[1], console.picture())
        alice.sees_picture()
        console.say(group.address, group.members[1], "上次的照片 [呲牙] From our last trip.")
        alice.reads("From our last trip.", "@qq_")


def restart(alice: Element, stack: Stack, console: Console, group: Chat) -> None:
    """The talk goes on over a restart and a `kill -9`."""
    with step("the bridge is stopped and started"):
        stack.bridge.restart()
    talk(alice, console, group, "after the restart")
    with step("the bridge is killed; meanwhile both sides write; nothing is lost"):
        stack.bridge.kill()
        console.say(group.address, group.members[0], "QQ: while it was dead")
        alice.write("Matrix: while it was dead")
        stack.bridge.start()
        alice.reads("QQ: while it was dead", "@qq_")
        console.wait_heard(group.address, "Matrix: while it was dead")


def talk(alice: Element, console: Console, chat: Chat, when: str) -> None:
    """One message each way."""
    with step(f"one message each way {when}"):
        console.say(chat.address, chat.members[-1], f"QQ: {when}")
        alice.reads(f"QQ: {when}", "@qq_")
        alice.write(f"Matrix: {when}")
        console.wait_heard(chat.address, f"Matrix: {when}")
