"""A WebQQ client of its time against the simulator: `python -m e2e.qqbot`; scripts/test builds everything and calls it.

qqbot 2.3.11 was written for the real service and is not changed. It has QQ's own addresses, and comes through the
simulator's proxy.
"""

from __future__ import annotations

import html
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from .console import Console
from .http import call
from .process import Failure, Process, free_ports, healthy
from .walk import must, run, step

CLIENT = Path(__file__).parent / "qqbot-client"
WORLD = Path("config/world.example.yaml")
# It reads only the first event of a reply; and nobody wants to wait a minute for an idle poll.
RULES = {"events_per_poll": 1, "poll_hold_ms": 1500}
WAIT_SECONDS = 60
# It goes on without checking certificates when it cannot verify one. That would be our fault, and must not pass unseen.
UNVERIFIED = "非私密连接"

SAID = "你好[微笑]<b> & 'q' 😀 [呲牙]"
# As qqbot understands it: faces and emoji in words of its own, entities left as they are.
TOLD = "你好 /微笑 &lt;b&gt; & 'q'  /Emoji128512   /呲牙 "
ANSWER = "echo: 你好 [微笑] &lt;b&gt; & 'q'  /Emoji128512   [呲牙] "


class Rig:
    """The simulator with its proxy, and qqbot behind it. Everything stays in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = yaml.safe_load(WORLD.read_text())
        self.world["options"] = {**(self.world["options"] or {}), **RULES}
        (folder / "world.yaml").write_text(yaml.safe_dump(self.world, allow_unicode=True))
        qq, console, proxy, self._term = free_ports(4)
        self.console = Console(f"http://127.0.0.1:{console}")
        listen = {"--listen": qq, "--console": console, "--proxy": proxy}
        command = [Path(os.environ["TARGET_DIR"]) / "webqq-sim", "--world", folder / "world.yaml", "--ca-dir", folder]
        command += [word for flag, port in listen.items() for word in (flag, f"127.0.0.1:{port}")]
        ready = healthy(f"http://127.0.0.1:{console}")
        self.simulator = Process("simulator", command, folder / "simulator.log", ready)
        self.client = self._client(f"http://127.0.0.1:{proxy}")

    def _client(self, proxy: str) -> Process:
        bench = self.folder / "bench"
        shutil.copytree(CLIENT / "plugins", bench / "plugins")
        program = os.environ["QQBOT"]
        environment = {
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy),
            "NO_PROXY": "",
            "REQUESTS_CA_BUNDLE": str(self.folder / "ca.pem"),
            "PYTHONPATH": str(CLIENT.resolve()),
            "PYTHONUTF8": "1",
            "PYTHONUNBUFFERED": "1",
            "PATH": str(Path(program).parent),  # no picture viewer to show the code with
            "HOME": str(bench),
        }
        # The last word is what it starts itself with, to be restarted when it dies: here it must not.
        command = [program, "-b", bench, "-p", str(self._term), "-d", "-pl", "answering", "--subprocessCall"]
        return Process("qqbot", command, self.folder / "qqbot.log", self.console.asks_for_scan, environment)

    @contextmanager
    def running(self) -> Iterator[Rig]:
        """Starts both; ends both, however the block ends."""
        with ExitStack() as ends:
            for process in (self.simulator, self.client):
                ends.callback(process.stop)
                process.start()
            yield self

    def log_of(self, name: str | None) -> str:
        """The end of the log of one of the two."""
        process = self.simulator if name == "simulator" else self.client
        return f"--- {process.log}\n{process.tail()}"

    def ask(self, *words: str) -> Any:
        """A command to qqbot, at its own HTTP API."""
        answer = call("GET", f"http://127.0.0.1:{self._term}/{'/'.join(quote(word, safe='') for word in words)}")
        must(answer["err"] is None, f"qqbot answers to {words}: {answer['err']}", "qqbot")
        return answer["result"]

    def told(self) -> list[dict[str, Any]]:
        """What qqbot was told, in order."""
        file = self.folder / "bench/told.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def wait(self, test: Callable[[], bool], what: str) -> None:
        """Waits until it is so."""
        end = time.monotonic() + WAIT_SECONDS
        while not test():
            self.client.must_run()
            if time.monotonic() > end:
                raise Failure(f"waited {WAIT_SECONDS} s for {what}", "qqbot")
            time.sleep(0.1)

    def wait_log(self, words: str) -> None:
        """Waits until qqbot has written this into its log."""
        self.wait(lambda: words in self.client.log.read_text(errors="replace"), f"qqbot to write “{words}”")

    def calls(self, endpoint: str) -> int:
        """How often an endpoint was called."""
        return self.console.session()["calls"].get(endpoint, 0)


def walk(rig: Rig) -> None:
    """A day of qqbot on the pretend QQ."""
    log_in(rig)
    compare_lists(rig)
    friend, group, discussion = rig.world["friends"][0], rig.world["groups"][0], rig.world["discussions"][0]
    for kind, chat, speaker in (
        ("friend", friend, friend),
        ("group", group, group["members"][0]),
        ("discussion", discussion, discussion["members"][0]),
    ):
        who = None if kind == "friend" else name_of(speaker)
        talk(rig, f"{kind}:{chat['name']}", speaker["name"], (SAID, (name_of(chat), who, TOLD), ANSWER))
    survive(rig, friend)
    with step("its own words came back to it from group and discussion, and it knew them as its own"):
        own = [(it["chat"], it["who"], it["text"][:5]) for it in rig.told() if it["own"]]
        same("its echoes", own, [(name_of(it), rig.world["account"]["nick"], "echo:") for it in (group, discussion)])
    with step("certificates were verified, tunnels and plain requests came through the proxy, and qqbot ends well"):
        must(UNVERIFIED not in rig.client.log.read_text(), "qqbot does not trust the simulator's certificate", "qqbot")
        for endpoint in ("check_sig", "proxy.html", "pingd"):  # by plain HTTP, by plain HTTP, after the 502
            must(rig.calls(endpoint) > 0, f"qqbot never called {endpoint}", "simulator")
        rig.ask("stop")
        rig.client.wait_end()


def log_in(rig: Rig) -> None:
    """From the code to the session."""
    account = rig.world["account"]
    with step("qqbot, unchanged, shows a QR code; it is scanned and confirmed; qqbot is logged in"):
        rig.console.scan()
        rig.wait_log("二维码已扫描")
        rig.console.confirm()
        rig.wait_log(f"登录成功。登录账号：{account['nick']}({account['number']})")
        rig.wait(lambda: rig.console.session()["polling"], "qqbot to poll")


def compare_lists(rig: Rig) -> None:
    """Whom qqbot knows, and whom the world file has."""
    world = rig.world
    nicks = {it["name"]: shown(it.get("nick", it["name"])) for it in everybody(world)}
    me = shown(world["account"]["nick"])
    with step("it lists the friends of the world file, with nicks and marknames"):
        wanted = [(nicks[it["name"]], shown(it.get("markname", ""))) for it in world["friends"]]
        same("friends", [(it["nick"], it["mark"]) for it in rig.ask("list", "buddy")], wanted)
    with step("its groups, with marknames, and who is in each, with cards"):
        wanted = [(shown(it.get("title", it["name"])), shown(it.get("markname", ""))) for it in world["groups"]]
        same("groups", [(it["nick"], it["mark"]) for it in rig.ask("list", "group")], wanted)
        for group in world["groups"]:
            wanted = [(nicks[it["name"]], shown(it.get("card", ""))) for it in group["members"]]
            name = shown(group.get("title", group["name"]))
            same(
                name,
                [(it["nick"], it["card"]) for it in members(rig, "group-member", f"nick={name}")],
                [*wanted, (me, "")],
            )
    with step("and its discussions, and who is in each"):
        wanted = [shown(it["name"]) for it in world["discussions"]]
        same("discussions", [it["name"] for it in rig.ask("list", "discuss")], wanted)
        for discussion in world["discussions"]:
            wanted = [*(nicks[it["name"]] for it in discussion["members"]), me]
            name = shown(discussion["name"])
            same(name, [it["name"] for it in members(rig, "discuss-member", f"name={name}")], wanted)


def talk(rig: Rig, chat: str, who: str, words: tuple[str, tuple[str, str | None, str], str]) -> None:
    """Somebody writes to qqbot, and it answers. `words`: what is said; who says what where, to it; its answer."""
    said, told, answer = words
    with step(f"{who} writes in {chat}; qqbot is told so, word for word, and its answer is heard"):
        before, heard = len(rig.told()), len(rig.console.heard())
        rig.console.say(chat, who, said)
        rig.wait(lambda: len(rig.console.heard()) > heard, "the answer")
        same(
            "what it was told",
            [(it["chat"], it["who"], it["text"]) for it in rig.told()[before:] if not it["own"]],
            [told],
        )
        same("what it answered", [(it["chat"], it["text"]) for it in rig.console.heard()[heard:]], [(chat, answer)])


def survive(rig: Rig, friend: dict[str, Any]) -> None:
    """What the real service was like on a bad day."""

    def talk_after(code: str) -> None:
        said = f"after {code}"
        talk(rig, f"friend:{friend['name']}", friend["name"], (said, (name_of(friend), None, said), f"echo: {said}"))

    with step("a 502 in a poll: it asks pinghot.qq.com and polls on"):
        rig.console.fault("poll2", "http", 502)
        rig.wait(lambda: rig.calls("pingd") > 0, "qqbot to ask pinghot.qq.com")
    talk_after("502")
    with step("polls that end in 102: it tests its session, finds it well, and polls on"):
        tested = rig.calls("get_online_buddies2")
        rig.wait(lambda: rig.calls("get_online_buddies2") > tested, "qqbot to test its session")
        rig.wait_log("登录 cookie 尚未过期")
    talk_after("102")


def members(rig: Rig, kind: str, chat: str) -> list[dict[str, Any]]:
    """Who is in a group or discussion, as qqbot has it."""
    (found,) = rig.ask("list", kind, chat)
    return found["membs"]["r"]


def everybody(world: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Who is mentioned; friends come last, because their own entry goes before."""
    for chat in (*world["groups"], *world["discussions"]):
        yield from chat["members"]
    yield from world["friends"]


def name_of(thing: dict[str, Any]) -> str:
    """What qqbot calls a friend, a member or a chat of the world file."""
    name = next(thing[key] for key in ("markname", "card", "title", "nick", "name") if key in thing)
    return shown(name)


def shown(name: str) -> str:
    """A name as QQ gives it away: escaped for HTML, and qqbot leaves that as it is."""
    return html.escape(name, quote=False)


def same(what: str, got: list[Any], wanted: list[Any]) -> None:
    """Fails unless both have the same things, in whatever order, and says which they do not share."""
    lacks, extra = Counter(wanted) - Counter(got), Counter(got) - Counter(wanted)
    must(not lacks and not extra, f"{what}: qqbot lacks {list(lacks)} and has {list(extra)} instead", "qqbot")


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="matrix-webqq-qqbot-"))
    code = run(Rig(folder), walk)
    if code == 0:
        shutil.rmtree(folder)
    else:
        print(f"logs are kept in {folder}")
    return code


if __name__ == "__main__":
    sys.exit(main())
