"""Serves Element's built site on loopback: `python -m e2e.website SITE PORT HOMESERVER_URL SERVER_NAME`."""

from __future__ import annotations

import json
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def element_config(homeserver: str, server_name: str) -> dict[str, object]:
    """Element's `config.json`: one homeserver, nothing external."""
    return {
        "brand": "Element",
        "default_theme": "light",
        "disable_guests": True,
        "disable_3pid_login": True,
        "default_server_config": {"m.homeserver": {"base_url": homeserver, "server_name": server_name}},
        "setting_defaults": {"UIFeature.identityServer": False, "FTUE.userOnboardingButton": False},
    }


class Site(SimpleHTTPRequestHandler):
    """The files of `folder`, and the one file that depends on the homeserver."""

    config: bytes
    folder: str

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments, directory=self.folder)

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/config.json":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.config)))
        self.end_headers()
        self.wfile.write(self.config)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing: a page is hundreds of files."""


def main(site: str, port: str, homeserver: str, server_name: str) -> None:
    Site.folder = site
    Site.config = json.dumps(element_config(homeserver, server_name)).encode()
    ThreadingHTTPServer(("127.0.0.1", int(port)), Site).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
