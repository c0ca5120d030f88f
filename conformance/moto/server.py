"""moto that can be forked: Terraform is applied to it once, then every scenario gets a copy of the whole account.

Started with a pipe as standard input, it prints one line of JSON, `{"port": P, "control": C}`, and serves AWS on
127.0.0.1:P until that pipe is closed.

A copy: connect to 127.0.0.1:C and send `POST /fork HTTP/1.1` with an empty line after it. The answer's body is
`{"port": N}`: a process with everything that was there at that moment serves on 127.0.0.1:N. The connection that asked
is its lifeline: the copy ends when that connection is closed, so nothing is left behind by whoever dies. `GET /` on the
control port answers `{"pid": …}`.

An argument names a file of calls to refuse (refusals.py).

Requests are taken one at a time (moto is not safe among threads), which is also what makes a fork a whole copy: no
request is ever half done in it. Access keys and signatures are not checked here; whoever serves scenarios does that.
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
    """A WSGI application that handles one whole request after the other."""

    def __init__(self, application):
        self.application = application
        self.lock = threading.Lock()

    def __call__(self, environ, start_response):
        # The body first: a slow sender holds nobody up.
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
    """Connections stay open, and small answers leave at once."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True


def serve(application):
    """Serves on a port of its own, in the background."""
    server = make_server(LOOPBACK, 0, application, threaded=True, request_handler=Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def end_with(stream):
    """Ends this process when `stream` does."""
    while stream.read(1):
        pass
    os._exit(0)


def let_go(kept):
    """Closes every inherited descriptor but `kept`. Their numbers stay taken: objects that own them still exist."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        if number > 2 and number not in (kept, nothing):
            try:
                os.dup2(nothing, number, inheritable=False)
            except OSError:
                pass  # the one that listed the folder
    os.dup2(nothing, 0)


def answer(connection, status, body):
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
    connection.sendall(head.encode() + text)


def request_line(connection):
    """The first line of a request that has no body; None if nobody sent a whole one."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(4096)
        if not piece or len(received) > 16384:
            return None
        received += piece
    return received.split(b"\r\n", 1)[0].decode("latin-1")


def copy(connection, application):
    """What the child of a fork does, to its end."""
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
                # No request is being handled while the lock is held, and none is half done in the copy.
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
            pass  # whoever asked is gone
        finally:
            connection.close()


def main():
    # Copies end by themselves; nobody waits for them.
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
