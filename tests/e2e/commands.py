"""Every command, typed in Element."""

from __future__ import annotations

import re
import sys

from .console import Console
from .element import Element, window
from .people import RELAY
from .stack import BOT, BOT_NAME, Stack
from .walk import must, run_once, step

# What the administrator's first line of help for a command begins with.
NAME = re.compile(r"^([a-z][a-z-]*)\b.* – ", re.MULTILINE)
# Commands, and some of what they answer. `{friend}` and `{group}` are of the simulated world.
IN_THE_CONTROL_ROOM = (
    ("help login", "logs in to QQ with a QR code"),
    ("help open", "start-chat"),
    ("language zh", "我用中文与你交流"),
    ("language en", "I speak English to you"),
    ("frends", "Did you mean friends?"),
    ("xyzzy", "There is no command xyzzy"),
    ("version", "matrix-webqq"),
    ("ping", "min old"),
    ("list-logins", "connected"),
    ("set-status busy", "shows as busy on QQ now"),
    ("friends {friend}", "1 found:"),
    ("groups {group}", "1 found:"),
    ("discussions", "found:"),
    ("whois {friend}", "category:"),
    ("id", "mirrors no QQ chat"),
    ("bridge {group}", "This is a control room, and what is said in it is for me"),
    ("unbridge", "Write that in the room that it is about"),
    ("delete-portal", "Write that in the room that it is about"),
    ("delete-all-portals", "There are no rooms to delete"),
    ("mute", "Write that in the room that it is about"),
    ("unmute", "Write that in the room that it is about"),
    ("sync", "friends, "),
    ("matches", "Nobody is in doubt."),
    ("match", "Write match 3 a to say"),
    ("queue", "Nothing waits and nothing failed."),
    ("retry 99", "There is no row 99"),
    ("drop 99", "There is no row 99"),
    ("audit", "lost = 0"),
    ("raw 99", "There is no event 99"),
    ("set-relay", "Write that in the room of a QQ chat"),
    ("unset-relay", "Write that in the room of a QQ chat"),
    ("login-matrix", "Write login-matrix with an access token"),
)
OPEN = ("open {group}", "is open; look for the invitation")
IN_A_PORTAL = (
    ("id", "This room mirrors {group}"),
    ("set-relay", "speaks here through"),
    ("unset-relay", "nobody but the owner of the QQ account speaks here"),
    ("unset-relay", "Nobody was relayed here"),
    ("sync", "Looked at {group} again"),
    ("mute", "write login-matrix and an access token"),
    ("unmute", "write login-matrix and an access token"),
)


def walk(stack: Stack) -> None:
    """The administrator types whatever there is, in one window with one login."""
    console = Console(stack.console_url)
    stack.change(RELAY)
    with window(stack.folder / "failed.png") as admin:
        typed = log_in(admin, stack, console)
        with step("“help” lists what there is"):
            listed = set(NAME.findall(admin.asks("help", "These are the commands", BOT).text))
            must(typed < listed, f"help lists {sorted(listed)}")
        names = {"friend": console.friend().name, "group": console.group().name}
        for command, answer in IN_THE_CONTROL_ROOM:
            typed.add(types(admin, command.format(**names), answer))
        typed |= puppet(admin) | requests(admin, console)
        types(admin, OPEN[0].format(**names), OPEN[1])
        admin.accept(names["group"])
        for command, answer in IN_A_PORTAL:
            types(admin, f"!qq {command}", answer.format(**names))
        admin.open(BOT_NAME)
        for command in sorted(listed - typed - {"logout", "open"}):  # whatever this file does not know yet
            types(admin, command, "")
        types(admin, "logout", "Logged out")
        types(admin, "list-logins", "logged out")


def log_in(admin: Element, stack: Stack, console: Console) -> set[str]:
    """From Element's sign-in form to a working QQ account, at the second attempt; the commands that it took."""
    with step("the administrator signs in to Element, and starts a chat with the bot"):
        admin.log_in(stack.element_url, "admin")
        admin.start_chat(BOT, "version")
        admin.sees_answer("version", "matrix-webqq", BOT)
    with step("“login” shows a code, “cancel” ends that"):
        admin.asks("login", "Waiting for the scan", BOT)
        admin.write("cancel")
        admin.reads("The login was cancelled", BOT)
    types(admin, "cancel", "There is nothing to cancel")
    with step("she writes “login” again, scans and confirms"):
        admin.asks("login qr", "Waiting for the scan", BOT)
        console.log_in()
        admin.reads("You are logged in.", BOT)
    return {"version", "login", "cancel"}


def puppet(admin: Element) -> set[str]:
    """A token of the window's own; the commands that it took."""
    with step("“login-matrix” with a token: the message is taken down, and the bot speaks as her"):
        admin.write_secret(f"login-matrix {admin.token()}")
        admin.reads("I speak as you, with the token", BOT)
    types(admin, "ping-matrix", "I speak as you, with the token")
    types(admin, "logout-matrix", "I have forgotten how to speak as you")
    return {"login-matrix", "ping-matrix", "logout-matrix"}


def requests(admin: Element, console: Console) -> set[str]:
    """Two people want to be friends; the commands that it took."""
    with step("two people want to be friends; one is accepted, one is not"):
        for name in ("陈小花", "韩梅梅"):
            console.act("ask_friendship", name=name, text="hello")
            admin.reads(f"{name} (", BOT)
        admin.asks("accept", "These wait", BOT)
        admin.asks("accept 1", "is accepted", BOT)
        admin.asks("deny 2 not today", "is refused", BOT)
        answers = {it["name"]: (it["accepted"], it["reason"]) for it in console.asked()}
        wanted = {"陈小花": (True, ""), "韩梅梅": (False, "not today")}
        must(answers == wanted, f"QQ was answered {answers}")
    return {"accept", "deny"}


def types(admin: Element, command: str, answer: str) -> str:
    """One command and its answer; its name."""
    with step(f"“{command}” → “{answer or '…'}”"):
        admin.asks(command, answer, BOT)
    return command.removeprefix("!qq ").partition(" ")[0]


if __name__ == "__main__":
    sys.exit(run_once("commands", walk))
