"""Every command, typed in Element."""

from __future__ import annotations

import re
import sys

from .browser import talk
from .console import Chat, Console
from .element import Element, window
from .people import RELAY
from .person import Person
from .stack import BOT, BOT_NAME, Stack
from .walk import must, run_once, step

# What the administrator's first line of help for a command begins with.
NAME = re.compile(r"^([a-z][a-z-]*)\b.* – ", re.MULTILINE)
CODE = re.compile(r"delete-all-portals (\w+)")
WAITING = re.compile(r"#(\d+) → QQ: waits")
OWN_ROOM = "A room of our own"
# Commands, and some of what they answer. `{friend}`, `{group}` and `{number}` are of the simulated world.
IN_THE_CONTROL_ROOM = (
    ("help login", "logs in to QQ with a QR code"),
    ("help open", "start-chat"),
    ("language zh", "我用中文与你交流"),
    ("language en", "I speak English to you"),
    ("frends", "Did you mean friends?"),
    ("xyzzy", "There is no command xyzzy"),
    ("set-management-room", "This is your control room now"),
    ("ping", "min old"),
    ("list-logins", "connected"),
    ("set-preferred-login 1", "You have no account 1 here; you have {number}"),
    ("set-preferred-login {number}", "I take {number}"),
    ("set-status busy", "shows as busy on QQ now"),
    ("friends {friend}", "1 found:"),
    ("groups {group}", "1 found:"),
    ("discussions", "found:"),
    ("search {friend}", "1 found:"),
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
    ("users", "connected; 0 rooms, 0 messages on their way"),
    ("stats", "1 logins, 1 of them live"),
    ("pause 1", "No account 1 is logged in here"),
    ("resume 1", "No account 1 is logged in here"),
    ("sudo @alice:hs.test list-logins", "On behalf of @alice:hs.test:"),
    ("doin !nowhere:hs.test id", "I know no such room"),
    ("set-pl 50", "That works in rooms of QQ chats"),
)
IN_A_PORTAL = (
    ("id", "This room mirrors {group}"),
    ("set-relay", "speaks here through"),
    ("unset-relay", "nobody but the owner of the QQ account speaks here"),
    ("unset-relay", "Nobody was relayed here"),
    ("sync", "Looked at {group} again"),
    ("mute", "write login-matrix and an access token"),
    ("unmute", "write login-matrix and an access token"),
    ("set-pl 50", "@admin:hs.test has the power level 50 here now"),
)


class Administrator:
    """Somebody at a window of Element, and the commands that they have typed there."""

    def __init__(self, screen: Element, console: Console) -> None:
        self.screen, self.console, self.typed = screen, console, set[str]()
        self.friend, self.group = console.friend(), console.group()
        self._names = {"friend": self.friend.name, "group": self.group.name, "number": console.credentials()[0]}

    def types(self, command: str, answer: str) -> str:
        """One command in the open room; the whole of its answer."""
        command, answer = command.format(**self._names), answer.format(**self._names)
        with step(f"“{command}” → “{answer}”"):
            told = self.screen.asks(command, answer, BOT)
        self.notes(command)
        return told.text

    def notes(self, command: str) -> None:
        """Notes that a command was typed."""
        self.typed.add(command.removeprefix("!qq ").partition(" ")[0])


def walk(stack: Stack) -> None:
    """The administrator types whatever there is, in one window with one login."""
    console = Console(stack.console_url)
    stack.change(RELAY)
    with window(stack.folder / "failed.png") as screen:
        admin = Administrator(screen, console)
        log_in(admin, stack)
        listed = set(NAME.findall(admin.types("help", "These are the commands")))
        for command, answer in IN_THE_CONTROL_ROOM:
            admin.types(command, answer)
        requests(admin)
        admin.types("open {group}", "is open; look for the invitation")
        screen.accept(admin.group.name)
        for command, answer in IN_A_PORTAL:
            admin.types(f"!qq {command}", answer)
        room, person = screen.room(), Person(stack.homeserver.url, "admin", screen.token())
        notifications(admin, person, room)
        pause(admin)
        room_of_people(admin, person)
        rooms_end(admin, room)
        log_out(admin)
    with step("nothing that help lists was left out"):
        must(listed == admin.typed & listed, f"not typed: {sorted(listed - admin.typed)}")
        must(len(listed) > len(IN_A_PORTAL), f"help lists {sorted(listed)}")


def log_in(admin: Administrator, stack: Stack) -> None:
    """From Element's sign-in form to a working QQ account, at the second attempt."""
    screen = admin.screen
    with step("the administrator signs in to Element, and starts a chat with the bot"):
        screen.log_in(stack.element_url, "admin")
        screen.start_chat(BOT, "version")
        screen.sees_answer("version", "matrix-webqq", BOT)
        admin.notes("version")
    admin.types("login", "Waiting for the scan")
    with step("“cancel” ends that"):
        screen.write("cancel")
        screen.reads("The login was cancelled", BOT)
    admin.types("cancel", "There is nothing to cancel")
    scans(admin, "login qr")


def scans(admin: Administrator, command: str) -> None:
    """A login that is gone through with."""
    admin.types(command, "Waiting for the scan")
    with step("she scans the code and confirms"):
        admin.console.log_in()
        admin.screen.sees_answer(command, "You are logged in.", BOT)


def requests(admin: Administrator) -> None:
    """`accept` and `deny`."""
    with step("two people want to be friends"):
        for name in ("陈小花", "韩梅梅"):
            admin.console.act("ask_friendship", name=name, text="hello")
            admin.screen.reads(f"{name} (", BOT)
    admin.types("accept", "These wait")
    admin.types("accept 1", "is accepted")
    admin.types("deny 2 not today", "is refused")
    with step("QQ was answered so"):
        answers = {it["name"]: (it["accepted"], it["reason"]) for it in admin.console.asked()}
        wanted = {"陈小花": (True, ""), "韩梅梅": (False, "not today")}
        must(answers == wanted, f"QQ was answered {answers}")


def notifications(admin: Administrator, person: Person, room: str) -> None:
    """`mute` and `unmute`, by a token of the window's own."""
    screen = admin.screen
    screen.open(BOT_NAME)
    with step("“login-matrix” with a token: the message is taken down, and the bot speaks as her"):
        screen.write_secret(f"login-matrix {screen.token()}")
        screen.reads("I speak as you, with the token", BOT)
    admin.types("ping-matrix", "I speak as you, with the token")
    screen.open(admin.group.name)
    admin.types("!qq mute", "This room notifies you of nothing but mentions of you now")
    with step("Synapse has the rule for it"):
        must(person.push_rule(room) == [], f"the rule is to do {person.push_rule(room)}")
    admin.types("!qq unmute", "This room notifies you as usual again")
    with step("Synapse has it no more"):
        must(person.push_rule(room) is None, f"the rule is to do {person.push_rule(room)}")
    screen.open(BOT_NAME)
    admin.types("logout-matrix", "I have forgotten how to speak as you")


def pause(admin: Administrator) -> None:
    """`pause` and `resume`, and what can be said of that which waits."""
    screen, console, chat = admin.screen, admin.console, admin.group.address
    admin.types("pause {number}", "Nothing is said on QQ through {number}")
    with step("what she says to the group waits"):
        screen.open(admin.group.name)
        screen.write("It can wait.")
        screen.write("Never mind.")
    waiting = WAITING.findall(admin.types("!qq queue", "→ QQ: waits"))
    must(len(waiting) == 2, f"{waiting} wait")
    admin.types(f"!qq drop {waiting[1]}", f"#{waiting[1]} is given up")
    must(not console.heard_in(chat), f"QQ heard {console.heard_in(chat)}")
    screen.open(BOT_NAME)
    admin.types("resume {number}", "What waited for {number} goes on")
    with step("what was not given up is heard, once"):
        console.wait_heard(chat, "It can wait.")
        must(console.heard_in(chat) == ["It can wait."], f"QQ heard {console.heard_in(chat)}")


def room_of_people(admin: Administrator, person: Person) -> None:
    """`bridge` in a room that was there before, and `unbridge`."""
    screen = admin.screen
    with step(f"she makes “{OWN_ROOM}” and asks the bot in"):
        room = person.make_room(OWN_ROOM, BOT)
        person.wait_join(room, BOT)
        screen.open(OWN_ROOM)
    admin.types("!qq bridge {friend}", "I need the power level 50 in this room")
    with step("she gives it the power"):
        person.give_power(room, BOT, 50)
    admin.types("!qq bridge {friend}", "This room mirrors a QQ chat from now on")
    talk(screen, admin.console, admin.friend, "in a room of her own")
    admin.types("!qq unbridge", "This room mirrors {friend} no more")


def rooms_end(admin: Administrator, room: str) -> None:
    """`doin`, `delete-portal` and `delete-all-portals`."""
    screen = admin.screen
    screen.open(BOT_NAME)
    admin.types(f"doin {room} id", "This room mirrors {group}")
    admin.types(f"doin {room} delete-portal", "This room is emptied")
    with step(f"she is put out of it; the next word in {admin.group.name} brings another room"):
        screen.is_without(room)
        comes_back(admin, admin.group)
    screen.open(BOT_NAME)
    code = CODE.findall(admin.types("delete-all-portals", "1 rooms would be emptied"))
    admin.types(f"delete-all-portals {code[-1]}", "1 rooms are being emptied")


def comes_back(admin: Administrator, chat: Chat) -> None:
    """Somebody in a chat speaks, and there is a room again."""
    admin.console.say(chat.address, chat.members[0], "Anybody here?")
    admin.screen.accept(chat.name)
    admin.screen.reads("Anybody here?", "@qq_")


def log_out(admin: Administrator) -> None:
    """`relogin` and `logout`."""
    scans(admin, "relogin")
    admin.types("logout", "Logged out")
    admin.types("list-logins", "logged out")


if __name__ == "__main__":
    sys.exit(run_once("commands", walk))
