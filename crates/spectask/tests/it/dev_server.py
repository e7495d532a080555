"""A dev server with one port: pages, a redirect, a stream of events, and a WebSocket that echoes."""

import base64
import hashlib
import http.server
import json
import sys

PORT = int(sys.argv[1])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body, *fields):
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/redirect":
            self.answer(302, b"", ("Location", f"http://localhost:{PORT}/next?x"))
        elif self.path == "/cookies":
            self.answer(
                200,
                b"",
                ("Set-Cookie", "theme=dark; Domain=localhost; Path=/"),
                ("Set-Cookie", "spectask_preview=taken; Path=/"),
                ("Clear-Site-Data", '"cookies"'),
            )
        elif self.path == "/events":
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(b"data: first\n\n")
            self.wfile.flush()
            # The stream stays open until its reader leaves.
            self.rfile.read(1)
        elif self.headers.get("Upgrade", "").lower() == "websocket":
            self.echo()
        else:
            fields = {name.lower(): value for name, value in self.headers.items()}
            page = json.dumps({"path": self.path, "fields": fields}).encode()
            self.answer(200, page, ("Content-Type", "application/json"))

    def do_POST(self):
        """Answers each part of a body as it comes."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while True:
            size = int(self.rfile.readline(), 16)
            part = self.rfile.read(size)
            self.rfile.readline()
            self.wfile.write(f"{size:x}\r\n".encode() + part + b"\r\n")
            self.wfile.flush()
            if size == 0:
                return

    def echo(self):
        magic = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", "websocket")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(magic.encode()).digest()).decode())
        self.end_headers()
        self.close_connection = True
        while head := self.rfile.read(2):
            length = head[1] & 0x7F
            mask = self.rfile.read(4)
            text = bytes(byte ^ mask[index % 4] for index, byte in enumerate(self.rfile.read(length)))
            self.wfile.write(bytes([head[0], length]) + text)
            self.wfile.flush()


http.server.ThreadingHTTPServer.daemon_threads = True
http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
