"""What the parts of the demo share."""
import pathlib
import subprocess
import time

import pymysql

from lib.waiting import wait_until
from lib.wire import WireError

READING_S = 2.0  # a step's last lines stand this long
FAILURES = (AssertionError, OSError, subprocess.SubprocessError, pymysql.Error, WireError)  # what run() may raise


class Part:
    """One part: its title, run() with its steps in order, processes() for the end. A step raises AssertionError when
    what it waits for does not come."""

    title = ""

    def __init__(self, folder, screen):
        self.folder, self.screen = pathlib.Path(folder), screen
        self.folder.mkdir()

    def run(self):
        raise NotImplementedError

    def processes(self):
        """All that may still run: (what it is, its process or None)."""
        raise NotImplementedError

    def show_log(self):
        """The lines that the agent logged since the last call."""
        raise NotImplementedError

    def close(self):
        for _, process in self.processes():
            if process and process.running():
                process.kill()

    def expect(self, what, predicate, within_s):
        """Wait for it. The bound is the demo's promise, so it is printed."""
        began = time.monotonic()
        wait_until(predicate, within_s, what)
        self.screen.held(f"{what} (after {time.monotonic() - began:.2f} s, allowed {within_s} s)")

    @staticmethod
    def reading_time():
        time.sleep(READING_S)
