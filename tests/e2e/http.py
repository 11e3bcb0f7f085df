"""JSON over HTTP, for the homeserver and the simulator's console."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any


class Refused(Exception):
    """An answer that is not a success; `reason` is Matrix' `errcode` or the console's `error`."""

    def __init__(self, method: str, url: str, status: int, body: dict[str, Any]) -> None:
        self.reason = str(body.get("errcode") or body.get("error") or status)
        super().__init__(f"{method} {url.partition('?')[0]}: {status} {body.get('error', self.reason)}")


def call(method: str, url: str, body: object = None, token: str | None = None, timeout: float = 60) -> Any:
    """One request; what came back, decoded."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        raise Refused(method, url, error.code, decoded(error.read())) from None


def fetch(url: str, token: str | None = None) -> bytes:
    """The bytes behind an address."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def decoded(body: bytes) -> dict[str, Any]:
    """A refusal's JSON; empty when it is something else."""
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
