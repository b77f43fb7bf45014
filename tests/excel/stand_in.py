"""What the stand-in for xlwings' module calls; a script in LibreOffice's own Python.

STAND_IN in the environment is a folder: `server` in it says how to start server.py, which calls xlwings' real CallUDF;
`lines` takes the command lines that were run, `ended` those whose process has ended, `calls` the cell functions.
"""

import json
import os
import subprocess
import threading

FOLDER = os.environ["STAND_IN"]
_servers = []


def call_udf(module, function, arguments):
    if not _servers:
        _servers.append(start_server())
    note(function, "calls")
    print(json.dumps([module, function, arguments]), file=_servers[0].stdin, flush=True)
    answer = json.loads(_servers[0].stdout.readline())
    return tuple(map(as_uno, answer)) if isinstance(answer, list) else answer


def start_server():
    with open(os.path.join(FOLDER, "server"), encoding="utf-8") as file:
        server = subprocess.Popen(json.load(file), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    server.stdout.readline()
    return server


def as_uno(row):
    return tuple(row) if isinstance(row, list) else row


def run(line):
    """Run a command line without waiting, taken apart at its quotes as Windows takes it apart."""
    note(line)
    process = subprocess.Popen([word.strip() for word in line.split('"') if word.strip()])
    threading.Thread(target=lambda: (process.wait(), note(line, "ended")), daemon=True).start()
    return 0


def note(line, kind="lines"):
    with open(os.path.join(FOLDER, kind), "a", encoding="utf-8") as file:
        file.write(line + "\n")
