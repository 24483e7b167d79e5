"""A program in a pseudo-terminal of 80 columns, with the terminal's keys."""
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

from lib.agent import SLOW, clean_environment

CTRL_C = b"\x03"


class Terminal:
    """words run with the terminal as standard input, output and error, and as what controls it: Ctrl-C works. What has
    been shown is in .shown."""

    def __init__(self, words, env=None):
        self.shown = ""
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

        def take_terminal():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background command has it ignored

        kept = {name: value for name, value in clean_environment().items() if name not in ("NO_COLOR", "TERM")}
        self.process = subprocess.Popen(list(map(str, words)), stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True, preexec_fn=take_terminal,
                                        env={**kept, "TERM": "xterm", **(env or {})})
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)

    def _read(self, seconds):
        """False: nothing more will come."""
        if not select.select([self.master], [], [], max(0, seconds))[0]:
            return True
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:  # EIO: nobody has the terminal open any more
            return False
        self.shown += data.decode()
        return bool(data)

    def wait_for(self, accept, what, timeout=10.0):
        """Read until accept(what has been shown)."""
        end = time.monotonic() + timeout * SLOW
        while not accept(self.shown):
            assert time.monotonic() < end, f"{what}: {self.shown!r}"
            if not self._read(end - time.monotonic()):
                assert accept(self.shown), f"{what}: {self.shown!r}"

    def wait_text(self, text, timeout=10.0):
        self.wait_for(lambda shown: text in shown, f"waiting for {text!r}", timeout)

    def press(self, keys):
        os.write(self.master, keys)

    def end(self, timeout=10.0):
        """Read to the end of the program; its status as subprocess has it: negative is a signal."""
        end = time.monotonic() + timeout * SLOW
        while self._read(end - time.monotonic()):
            assert time.monotonic() < end, f"it does not end: {self.shown!r}"
        return self.process.wait(max(0.1, end - time.monotonic()))
