"""Answers, and how WSGI wants them."""

import json
from dataclasses import dataclass, field
from http import HTTPStatus


@dataclass(frozen=True)
class Response:
    status: HTTPStatus
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, start_response) -> list[bytes]:
        headers = dict(self.headers)
        content = b""
        if self.body is not None:
            content = json.dumps(self.body).encode()
            headers["Content-Type"] = "application/json"
        headers["Content-Length"] = str(len(content))
        start_response(f"{self.status.value} {self.status.phrase}", list(headers.items()))
        return [content]


def ok(body: object) -> Response:
    return Response(HTTPStatus.OK, body)


def problem(status: HTTPStatus, title: str) -> Response:
    """An answer that says what is wrong."""
    return Response(status, {"title": title})
