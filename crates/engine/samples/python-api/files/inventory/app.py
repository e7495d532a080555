"""The routes, as a WSGI application."""

import json
from dataclasses import asdict
from http import HTTPStatus

from .items import Invalid, read_item
from .responses import Response, ok, problem
from .store import Store

BODY_LIMIT = 64 * 1024


class App:
    def __init__(self, store: Store):
        self._store = store

    def __call__(self, environ, start_response):
        return self._answer(environ).send(start_response)

    def _answer(self, environ) -> Response:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/")
        try:
            match path.strip("/").split("/"):
                case ["health"]:
                    return ok({"status": "ok"})
                case ["items"] if method == "GET":
                    return self._list(environ)
                case ["items", sku] if method == "GET":
                    return self._show(sku)
                case ["items", sku] if method == "PUT":
                    return self._put(sku, read_body(environ))
                case ["items", sku] if method == "DELETE":
                    return self._remove(sku)
                case ["items"] | ["items", _]:
                    return problem(HTTPStatus.METHOD_NOT_ALLOWED, f"{method} is not possible here")
                case _:
                    return problem(HTTPStatus.NOT_FOUND, "there is nothing here")
        except Invalid as error:
            return problem(HTTPStatus.BAD_REQUEST, str(error))

    def _list(self, environ) -> Response:
        return ok({"items": [asdict(item) for item in self._store.items()]})

    def _show(self, sku: str) -> Response:
        item = self._store.item(sku)
        return ok(asdict(item)) if item else problem(HTTPStatus.NOT_FOUND, f"there is no item {sku}")

    def _put(self, sku: str, body: object) -> Response:
        item = read_item(sku, body)
        self._store.put(item)
        return ok(asdict(item))

    def _remove(self, sku: str) -> Response:
        if self._store.remove(sku):
            return Response(HTTPStatus.NO_CONTENT)
        return problem(HTTPStatus.NOT_FOUND, f"there is no item {sku}")


def read_body(environ) -> object:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > BODY_LIMIT:
        raise Invalid("the body is too long")
    try:
        return json.loads(environ["wsgi.input"].read(length))
    except ValueError:
        raise Invalid("the body is no JSON") from None
