"""The status page in Chromium, without JavaScript, at the widths of a desk and a phone."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from . import smoke
from .console import Console
from .element import FLAGS
from .person import Person, body
from .stack import BOT, PAGE_SECRET, Stack
from .walk import must, step

PICTURE, PHONE_PICTURE = Path("docs/status-page.png"), Path("docs/status-page-phone.png")
DESK, PHONE = (1100, 900), (390, 844)
REFUSED_TO_SEND = 100006


def walk(stack: Stack) -> None:
    """Whoever runs the bridge looks at it, while alice logs in and talks."""
    alice, console = Person(stack.homeserver.url, "alice"), Console(stack.console_url)
    with step("alice is given the address of the QR code"):
        control = alice.start_chat(BOT)
        alice.wait_join(control, BOT)
        alice.write(control, "login")
        said = alice.wait_event(control, lambda it: "/_webqq/qr/" in body(it), "an address")
        found = re.search(r"http://\S+/_webqq/qr/\w+", body(said))
        assert found
    with chromium() as browser:
        with step("on her phone, it shows the code"), window(browser, stack, PHONE) as page:
            page.goto(found[0])
            must(page.locator("img").bounding_box() is not None, "there is no code")
            fits(page)
        with (
            step("the status page asks for the secret, and shows the code as well"),
            window(browser, stack, PHONE) as page,
        ):
            enter(page, stack)
            must(page.locator("img").is_visible(), "there is no code")
            fits(page)
        with step("her phone scans the code; its address leads nowhere"):
            console.log_in()
            account = console.account()
            alice.wait_event(control, lambda it: account in body(it), f"the bot to name {account}")
            with window(browser, stack, PHONE) as page:
                answer = page.goto(found[0])
                must(answer is not None and answer.status == 404, "it still leads somewhere")
        with step("she talks; one message is refused"):
            portal = smoke.meet(alice, console)
            portal.talk("before")
            console.fault("send_qun_msg2", "retcode", REFUSED_TO_SEND)
            alice.write(portal.room, "between us")
            alice.wait_text(portal.room, "was not delivered")
        with step("a restart takes the books"):
            stack.bridge.restart()
        for size, scheme, picture in ((DESK, "light", PICTURE), (PHONE, "dark", PHONE_PICTURE)):
            with step(f"the page at {size[0]} points, {scheme}"), window(browser, stack, size, scheme) as page:
                enter(page, stack)
                text = page.inner_text("main")
                for word in (account, alice.user_id, "connected", str(REFUSED_TO_SEND)):
                    must(word in text, f"{word} is not on the page")
                must("between us" not in text, "what she wrote is on the page")
                fits(page)
                photograph(page, picture)
        with step("it speaks Chinese, too"), window(browser, stack, PHONE) as page:
            enter(page, stack)
            page.click("nav a")
            must("已连接" in page.inner_text("main"), "it does not")
            fits(page)


def enter(page: Page, stack: Stack) -> None:
    """Shows the secret."""
    page.goto(f"{stack.bridge_url}/_webqq/status")
    fits(page)
    page.fill("#secret", PAGE_SECRET)
    page.click("button.main")
    page.locator(".health").wait_for()


def fits(page: Page) -> None:
    """Fails when one has to scroll sideways."""
    must(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page is too wide")


def photograph(page: Page, picture: Path) -> None:
    """A picture for the documentation, when there is none or a new one is asked for."""
    if os.environ.get("UPDATE_SCREENSHOT") == "1" or not picture.exists():
        page.screenshot(path=picture, full_page=True)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def window(browser: Browser, stack: Stack, size: tuple[int, int], scheme: str = "light") -> Iterator[Page]:
    """A window without JavaScript; fails when anybody but the bridge is asked, or the policy forbids something."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, locale="en-GB", java_script_enabled=False
    )
    page, asked, complaints = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    yield page
    ours = (f"{stack.bridge_url}/_webqq/", "data:")
    must(all(url.startswith(ours) for url in asked), f"asked of others: {asked}")
    must(not [it for it in complaints if "Content Security Policy" in it], f"forbidden: {complaints}")
    context.close()
