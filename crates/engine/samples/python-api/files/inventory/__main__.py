"""The program: serves the API."""

import os
import sys
from wsgiref.simple_server import make_server

from .app import App
from .store import Store


def main(arguments: list[str]) -> int:
    if arguments:
        print("Usage: python3 -m inventory", file=sys.stderr)
        return 2
    path = os.environ.get("INVENTORY_DATABASE", "inventory.sqlite")
    port = int(os.environ.get("INVENTORY_PORT", "8000"))
    with make_server("127.0.0.1", port, App(Store(path))) as server:
        print(f"listening on http://127.0.0.1:{port}")
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
