"""The control protocol in Python, from docs/control-protocol.md alone."""
import socket
import struct

import msgpack


class Control:
    def __init__(self, path, timeout=10.0):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))  # waits for a place among those that wait to be accepted
        self.socket.settimeout(timeout)

    def send(self, message):
        content = msgpack.packb(message)
        self.socket.sendall(struct.pack(">I", len(content)) + content)

    def receive(self):
        length, = struct.unpack(">I", self._exactly(4))
        return msgpack.unpackb(self._exactly(length))

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("the agent has closed the connection")
            data += piece
        return data

    def call(self, command, on_progress=lambda progress: None, **args):
        self.send({"version": 1, "id": 1, "command": command, "args": args})
        while "progress" in (answer := self.receive()):
            on_progress(answer["progress"])
        return answer
