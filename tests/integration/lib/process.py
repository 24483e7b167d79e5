"""Child processes that never outlive the tests and keep their log."""
import atexit
import ctypes
import os
import pathlib
import signal
import subprocess

from lib.waiting import wait_until

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_running = set()


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """One child. Its output, both streams, is appended to the file log; stdout: a descriptor for that one."""

    def __init__(self, argv, log, env=None, cwd=None, stdout=None):
        self.argv = [str(arg) for arg in argv]
        self.log_path = pathlib.Path(log)
        with open(self.log_path, "ab") as out:
            self._popen = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=stdout or out, stderr=out,
                                           env=env, cwd=cwd, preexec_fn=_die_with_parent)
        self.pid = self._popen.pid
        _running.add(self)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def running(self):
        return self._popen.poll() is None

    def signal(self, number):
        if self.running():
            os.kill(self.pid, number)

    def wait(self, timeout=10.0):
        """The exit code; negative = ended by that signal."""
        code = self._popen.wait(timeout)
        _running.discard(self)
        return code

    def stop(self, timeout=10.0):
        """SIGTERM, and SIGKILL when that does not help in time. Returns the exit code."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait()

    def _status(self, key):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return line.split()[1]
        raise KeyError(key)

    def state(self):
        """The kernel's letter: R, S, T (stopped), ..."""
        return self._status("State")

    def threads(self):
        return int(self._status("Threads"))

    def peak_kib(self):
        """Resident memory when it was largest."""
        return int(self._status("VmHWM"))

    def resident_kib(self):
        return int(self._status("VmRSS"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_s(self):
        """Processor time used so far, user and system, in seconds."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def freeze(self):
        """SIGSTOP, and wait until every thread stands still."""
        self.signal(signal.SIGSTOP)
        wait_until(lambda: self.state() == "T", what=f"process {self.pid} stops")

    def thaw(self):
        self.signal(signal.SIGCONT)


@atexit.register
def _kill_all():
    for process in list(_running):
        process.kill()
