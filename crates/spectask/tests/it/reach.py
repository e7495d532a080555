"""Tries to reach a host: 0 says that it answered, 3 that it was refused, 1 that there is no way to it.

reach.py direct HOST PORT     without the proxy
reach.py get HOST:PORT        as a request to the proxy
reach.py tunnel HOST:PORT     through the proxy with CONNECT
reach.py socket KIND          makes a socket: udp, mptcp or fastopen
reach.py inside               listens and connects on the loopback address
"""

import os
import socket
import sys
import urllib.parse


def proxy():
    address = urllib.parse.urlsplit(os.environ["HTTP_PROXY"])
    return socket.create_connection((address.hostname, address.port), 20)


def ask(connection, text):
    connection.sendall(text.encode())
    answer = b""
    while chunk := connection.recv(4096):
        answer += chunk
    return answer.decode()


def head(connection):
    answer = b""
    while not answer.endswith(b"\r\n\r\n") and (byte := connection.recv(1)):
        answer += byte
    return answer.decode()


def judge(answer):
    print(answer)
    if "hello" in answer:
        return 0
    return 3 if " 403 " in answer.split("\n")[0] else 1


def direct(host, port):
    return judge(ask(socket.create_connection((host, int(port)), 20), "GET / HTTP/1.0\r\n\r\n"))


def get(target):
    return judge(ask(proxy(), f"GET http://{target}/ HTTP/1.1\r\nHost: {target}\r\n\r\n"))


def tunnel(target):
    connection = proxy()
    connection.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    answer = head(connection)
    if " 200 " not in answer:
        return judge(answer)
    return judge(ask(connection, "GET / HTTP/1.0\r\n\r\n"))


def make(kind):
    if kind == "udp":
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    elif kind == "mptcp":
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
    else:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.sendto(b"GET / HTTP/1.0\r\n\r\n", 0x20000000, ("127.0.0.1", int(sys.argv[3])))
    return 0


def inside():
    server = socket.create_server(("127.0.0.1", 0))
    socket.create_connection(server.getsockname(), 20)
    return 0


TRIES = {"direct": direct, "get": get, "tunnel": tunnel, "inside": inside}
try:
    if sys.argv[1] == "socket":
        sys.exit(make(sys.argv[2]))
    sys.exit(TRIES[sys.argv[1]](*sys.argv[2:]))
except OSError as error:
    print(error)
    sys.exit(1)
