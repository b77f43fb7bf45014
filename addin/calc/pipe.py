"""Messages over a pipe: a length (4 bytes, big endian) and a pickle (protocol 4) of plain tuples, numbers and texts.

What `multiprocessing` would send; written out because the two ends may be different versions of Python. Standard
library only, Python 3.9: the office's side runs in the office's own Python.
"""

import pickle
import struct

LENGTH = struct.Struct(">I")


def send(stream, message):
    """Write one message to a binary stream and flush it."""
    body = pickle.dumps(message, protocol=4)
    stream.write(LENGTH.pack(len(body)) + body)
    stream.flush()


def receive(stream):
    """The next message of a binary stream, or None at its end."""
    head = stream.read(LENGTH.size)
    body = stream.read(*LENGTH.unpack(head)) if len(head) == LENGTH.size else b""
    return pickle.loads(body) if body else None
