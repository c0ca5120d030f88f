"""A moto server that can be forked: Terraform is applied once, then every scenario gets a copy of the whole account.

Started with a pipe as standard input, it prints one line of JSON, `{"port": P, "control": C}`, and serves AWS on
127.0.0.1:P until that pipe is closed.

To get a copy, connect to 127.0.0.1:C and send `POST /fork HTTP/1.1` followed by an empty line. The body of the answer is
`{"port": N}`: a new process serves the account, as it was at that moment, on 127.0.0.1:N. The copy ends when the connection
that asked for it closes, so that no process is left behind. `GET /` on the control port answers `{"pid": …}`.

An argument names a file with calls to refuse (refusals.py).

Requests are handled one at a time, because moto is not thread-safe. For the same reason a fork is a complete copy: it never
contains a half-finished request. Access keys and signatures are checked by `aws-emulator serve`, not here.
"""

import gc
import io
import json
import logging
import os
import signal
import socket
import sys
import threading

from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

import gaps
from refusals import Refusing

LOOPBACK = "127.0.0.1"


class OneAtATime:
    """A WSGI application that handles one request at a time."""

    def __init__(self, application):
        self.application = application
        self.lock = threading.Lock()

    def __call__(self, environ, start_response):
        # Read the body before taking the lock, so that a slow sender doesn't block others.
        length = environ.get("CONTENT_LENGTH")
        if length or environ.get("wsgi.input_terminated"):
            body = environ["wsgi.input"].read(int(length)) if length else environ["wsgi.input"].read()
            environ["wsgi.input"] = io.BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
        with self.lock:
            answer = self.application(environ, start_response)
            try:
                return list(answer)
            finally:
                if hasattr(answer, "close"):
                    answer.close()


class Handler(WSGIRequestHandler):
    """Keeps connections open and sends small answers at once."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True


def serve(application):
    """Serves on a free port in the background and returns the port."""
    server = make_server(LOOPBACK, 0, application, threaded=True, request_handler=Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def end_with(stream):
    """Ends this process when `stream` ends."""
    while stream.read(1):
        pass
    os._exit(0)


def let_go(kept):
    """Closes every inherited descriptor except `kept`. Their numbers stay in use, because the objects that own them still exist."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        if number > 2 and number not in (kept, nothing):
            try:
                os.dup2(nothing, number, inheritable=False)
            except OSError:
                pass  # the descriptor that listed the folder
    os.dup2(nothing, 0)


def answer(connection, status, body):
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
    connection.sendall(head.encode() + text)


def request_line(connection):
    """The first line of a request without a body; None if the request is incomplete."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(4096)
        if not piece or len(received) > 16384:
            return None
        received += piece
    return received.split(b"\r\n", 1)[0].decode("latin-1")


def copy(connection, application):
    """Runs in the child of a fork until the child ends."""
    try:
        let_go(connection.fileno())
        answer(connection, "200 OK", {"port": serve(application)})
        end_with(connection.makefile("rb"))
    finally:
        os._exit(1)


def control(listener, application):
    while True:
        connection, _ = listener.accept()
        try:
            connection.settimeout(10)
            line = request_line(connection)
            if line is None:
                continue
            if line.startswith("POST /fork "):
                connection.settimeout(None)
                # While the lock is held no request is being handled, so the copy contains no half-finished one.
                with application.lock:
                    gc.freeze()
                    child = os.fork()
                if child == 0:
                    application.lock = threading.Lock()
                    copy(connection, application)
            elif line.startswith("GET / "):
                answer(connection, "200 OK", {"pid": os.getpid()})
            else:
                answer(connection, "404 Not Found", {"error": f"no `{line}` here: GET / or POST /fork"})
        except OSError:
            pass  # the client has disconnected
        finally:
            connection.close()


def main():
    # Copies end by themselves, so don't wait for them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    default_user_config["lambda"] = {"use_docker": False}
    gaps.close()
    application = OneAtATime(DomainDispatcherApplication(create_backend_app))
    if len(sys.argv) > 1:
        application.application = Refusing(application.application, sys.argv[1])
    port = serve(application)
    listener = socket.create_server((LOOPBACK, 0))
    print(json.dumps({"port": port, "control": listener.getsockname()[1]}), flush=True)
    threading.Thread(target=end_with, args=(sys.stdin.buffer,), daemon=True).start()
    control(listener, application)


if __name__ == "__main__":
    main()
