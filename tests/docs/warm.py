"""Run `a2c` and `python` for shells as forks of one process that has imported what they need.

    python warm.py SOCKET          serves until its standard input ends
    python -IS warm.py SOCKET a2c …  asks it, with this process's files, folder and environment

A command of a page costs what it does, not what importing costs: about two seconds less each.
"""

import json
import os
import socket
import sys

MODULES = (
    "any2caption.cli.main", "any2caption.conditions.inspect.report",
    "any2caption.generation.previs.generator", "any2caption.serving.in_process",
)  # fmt: skip
FAILED = 70


def ask(path, words):
    """Send one command and wait for its exit code."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(path)
        command = {"words": words, "folder": os.getcwd(), "environment": dict(os.environ)}  # noqa: PTH109 - pathlib takes as long as it saves
        body = json.dumps(command).encode()
        socket.send_fds(client, [len(body).to_bytes(4, "big")], [0, 1, 2])
        client.sendall(body)
        return int(client.recv(16) or FAILED)


def serve(path):
    """Import, listen, and fork for each command."""
    import importlib
    import signal
    import threading

    for name in MODULES:
        importlib.import_module(name)
    # Before the socket is there: `fork` copies this thread alone.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(path)
        server.listen()
        owner = os.getpid()

        def leave():
            sys.stdin.read()
            os.kill(owner, signal.SIGTERM)

        threading.Thread(target=leave, daemon=True).start()
        while True:
            connection, _ = server.accept()
            if os.fork() == 0:
                server.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                os._exit(answer(connection))
            connection.close()


def answer(connection):
    """Be the command that is asked for, and tell how it ended."""
    head, files, _, _ = socket.recv_fds(connection, 4, 3)
    size = int.from_bytes(head, "big")
    body = b""
    while len(body) < size:
        body += connection.recv(size - len(body))
    asked = json.loads(body)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    try:
        ended = become(asked["words"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    connection.sendall(str(ended).encode())
    return 0


def become(words):
    """Run `a2c …`, `python -m MODULE …` or `python -c CODE`; return its exit code."""
    import runpy
    import traceback

    try:
        if words[0] == "a2c":
            from any2caption.cli.main import main

            sys.argv = words
            main()
        elif words[1] == "-m":
            sys.argv = words[2:]
            runpy.run_module(words[2], run_name="__main__", alter_sys=True)
        else:
            sys.argv = ["-c"]
            exec(compile(words[-1], "<page>", "exec"), {"__name__": "__main__"})  # noqa: S102
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception:  # noqa: BLE001 - an interpreter ends so
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(ask(sys.argv[1], sys.argv[2:]))
    serve(sys.argv[1])
