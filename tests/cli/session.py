"""A person at a shell on a terminal: sends keys, waits for what appears there."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time


class Session:
    def __init__(self, command=("bash", "--norc", "--noprofile", "-i"), columns=80):
        self.seen = ""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            for number in signal.SIGINT, signal.SIGQUIT, signal.SIGHUP:
                signal.signal(number, signal.SIG_DFL)
            os.environ["PS1"] = "$ "
            os.environ["TERM"] = "xterm"
            os.execvp(command[0], command)
        self.resize(columns)
        self.expect(r"\$ $")
        self.modes = self.get_modes()

    def get_modes(self):
        return termios.tcgetattr(self.master)

    def resize(self, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def send(self, text):
        os.write(self.master, text.encode())

    def run(self, line):
        self.send(line + "\n")

    def read(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)

    def expect(self, pattern, seconds=15):
        """Waits for the pattern in what has not been matched yet; returns what came before."""
        end = time.monotonic() + seconds
        while not (match := re.search(pattern, self.seen)):
            left = end - time.monotonic()
            if left <= 0 or not self.read(left):
                raise AssertionError(f"waited in vain for {pattern!r} in:\n{self.seen}")
        before, self.seen = self.seen[: match.start()], self.seen[match.end() :]
        return before + match.group()

    def command(self, line):
        """Runs the line and returns its output and exit status."""
        self.run(line + "; echo status=$?=")
        self.expect(r"\n")
        text = self.expect(r"status=\d+=\r\n")
        self.expect(r"\$ $")
        return text, int(re.search(r"status=(\d+)=", text).group(1))

    def is_sane(self):
        """The terminal is as it was before, and the shell has it."""
        self.expect_prompt()
        return self.get_modes()[:4] == self.modes[:4]

    def expect_prompt(self):
        self.run("echo here=$((6 * 7))=")
        self.expect(r"here=42=")
        self.expect(r"\$ $")

    def hang_up(self):
        os.close(self.master)
        os.kill(self.pid, signal.SIGHUP)
