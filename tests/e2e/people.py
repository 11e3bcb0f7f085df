"""People who come from other bridges: the provisioning API, double puppets and the relay, without a screen."""

from __future__ import annotations

import secrets
import sys
from typing import Any

from .console import Console
from .http import call
from .person import Person, body
from .smoke import Portal, is_ghost, meet
from .stack import BOT, Stack
from .synapse import SERVER_NAME
from .walk import must, once, run_once, step

RELAY = {"bridge": {"relay": {"enabled": True, "admin_only": False}, "permissions": {f"@bob:{SERVER_NAME}": "relay"}}}
PUPPETS = {"double_puppet": {"secrets": {SERVER_NAME: f"as_token:{secrets.token_hex(32)}"}}}


def walk(stack: Stack) -> None:
    """Alice logs in by a program, speaks on her phone, and lets Bob speak."""
    alice, console = Person(stack.homeserver.url, "alice"), Console(stack.console_url)
    log_in_by_api(stack, alice, console)
    control = alice.start_chat(BOT)
    alice.wait_join(control, BOT)
    portal = meet(alice, console)
    puppet_of_her_own(alice, portal, control)
    puppet_by_arrangement(stack, alice, portal, control)
    relay(stack, portal)


def log_in_by_api(stack: Stack, alice: Person, console: Console) -> None:
    """From nothing to a working account, as mautrix-manager does it."""
    api = f"http://127.0.0.1:{stack.ports.bridge}/_matrix/provision/v3"

    def go_on(shown: dict[str, Any]) -> dict[str, Any]:
        way = f"{shown['login_id']}/{shown['step_id']}/{shown['type']}"
        return call("POST", f"{api}/login/step/{way}", {}, alice.token)

    with step("a program begins a login for alice, with nothing but her token; it gets a QR code"):
        flows = call("GET", f"{api}/login/flows", token=alice.token)["flows"]
        must(flows[0]["id"] == "qr", f"the ways to log in are {flows}")
        shown = call("POST", f"{api}/login/start/qr", {}, alice.token)
        must(shown["display_and_wait"]["type"] == "qr", f"the first step is {shown}")
    with step("the code is scanned and confirmed on the phone; the program is told that this was all"):
        console.wait_qr("waiting")
        console.scan()
        shown = go_on(shown)
        console.confirm()
        while shown["type"] != "complete":
            shown = go_on(shown)
    with step("the API knows the account"):
        number, _ = console.credentials()
        logins = call("GET", f"{api}/logins", token=alice.token)["login_ids"]
        must(logins == [number], f"the logins are {logins}")


def puppet_of_her_own(alice: Person, portal: Portal, control: str) -> None:
    """`login-matrix`, `ping-matrix` and `logout-matrix`."""
    with step("what alice says on her phone comes from a ghost"):
        on_the_phone(portal, "phone: before", "a ghost")
    with step("she writes “login-matrix” with an access token; it is taken down, and the bot speaks as her"):
        said = alice.write(control, f"login-matrix {alice.another_token()}")
        alice.wait_text(control, "I speak as you, with the token", is_bot)
        alice.wait_event(control, lambda it: it["type"] == "m.room.redaction" and redacted(it) == said, "a redaction")
        asks(alice, control, "ping-matrix", "I speak as you, with the token")
        on_the_phone(portal, "phone: with a token", "herself")
    with step("she writes “logout-matrix”; the ghost speaks again"):
        asks(alice, control, "logout-matrix", "I have forgotten how to speak as you")
        asks(alice, control, "ping-matrix", "I do not speak as you")
        on_the_phone(portal, "phone: without a token", "a ghost")


def puppet_by_arrangement(stack: Stack, alice: Person, portal: Portal, control: str) -> None:
    """`double_puppet.secrets`, and the second registration that `-g` makes of it."""
    with step("the administrator arranges it for everybody; alice, who had ended it, takes it up again"):
        stack.register(PUPPETS)
        asks(alice, control, "login-matrix", "as the administrator of this server has arranged")
        on_the_phone(portal, "phone: arranged", "herself")
    other = portal.console.group(1)
    with step(f"somebody writes in “{other.name}”; alice is in the room without a click"):
        portal.console.say(other.address, other.members[0], "no click")
        room = alice.wait_room(lambda texts: "no click" in texts, f"the room of “{other.name}”")
        must(other.name in alice.state(room, "m.room.name")["name"], "the room has another name")
        must(alice.user_id in alice.members(room), "alice is not in it")
    with step("what she said on her phone is in the room once, in order, and did not go back to QQ"):
        portal.alice_says("on Matrix")  # whatever went back would have gone before this
        once(
            alice.texts(portal.room),
            [f"phone: {it}" for it in ("before", "with a token", "without a token", "arranged")],
        )
        heard = [it["text"] for it in portal.console.heard() if it["text"].startswith("phone")]
        must(not heard, f"QQ heard {heard}")


def relay(stack: Stack, portal: Portal) -> None:
    """Bob, who has no QQ, speaks through Alice's account."""
    alice, bob = portal.alice, Person(stack.homeserver.url, "bob")
    with step("relaying is allowed; alice invites bob, and writes “set-relay”"):
        stack.change(RELAY)
        alice.invite(portal.room, bob.user_id)
        bob.join(portal.room)
        asks(alice, portal.room, "!qq set-relay", "speaks here through")
    with step("bob speaks, and is heard on QQ under his name"):
        bob.write(portal.room, "relayed")
        portal.console.wait_heard(portal.chat.address, "「Bob」: relayed")
        portal.alice_says("not relayed")
    with step("QQ answers, and bob reads it"):
        portal.console.say(portal.chat.address, portal.chat.members[0], "hello Bob")
        bob.wait_text(portal.room, "hello Bob", is_ghost)
    with step("after “unset-relay” bob is told why nobody hears him"):
        asks(alice, portal.room, "!qq unset-relay", "nobody but the owner")
        said = bob.write(portal.room, "not heard")
        bob.wait_event(portal.room, lambda it: is_bot(it["sender"]) and body(it), "the bot's answer", said)
        portal.alice_says("in the end")  # whatever was heard would have been heard before this
        heard = [it["text"] for it in portal.console.heard()]
        must(not any("not heard" in it for it in heard), f"QQ heard {heard}")


def on_the_phone(portal: Portal, text: str, speaker: str) -> None:
    """The account speaks on its own device, and alice sees from whom it comes."""
    portal.console.say(portal.chat.address, portal.console.account(), text)
    sender = portal.alice.wait_text(portal.room, text)["sender"]
    found = "herself" if sender == portal.alice.user_id else "a ghost" if is_ghost(sender) else sender
    must(found == speaker, f"“{text}” comes from {sender}, not from {speaker}")


def asks(person: Person, room: str, command: str, answer: str) -> None:
    """Writes a command and waits for the bot's answer to it."""
    asked = person.write(room, command)
    person.wait_event(room, lambda it: is_bot(it["sender"]) and answer in body(it), f"“{answer}”", asked)


def is_bot(user_id: str) -> bool:
    """Whether it is the bridge's bot."""
    return user_id == BOT


def redacted(event: dict[str, Any]) -> str | None:
    """What a redaction takes down."""
    return event.get("redacts") or event["content"].get("redacts")


if __name__ == "__main__":
    sys.exit(run_once("people", walk))
