"""Calls a WSGI application as a server does, without a socket."""

import io
import json
from wsgiref.util import setup_testing_defaults


def call(app, method, path, body=None, headers=None):
    """The status, the body read as JSON, and the headers of the answer."""
    path, _, query = path.partition("?")
    content = b"" if body is None else json.dumps(body).encode()
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(content)),
        "wsgi.input": io.BytesIO(content),
    }
    for name, value in (headers or {}).items():
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    setup_testing_defaults(environ)
    begun = {}

    def start_response(status, answer_headers):
        begun.update(status=int(status.split()[0]), headers=dict(answer_headers))

    answer = b"".join(app(environ, start_response))
    return begun["status"], json.loads(answer) if answer else None, begun["headers"]
