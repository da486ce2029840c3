"""A private root with a ledger, a configuration and a nixos-rebuild that writes down when it runs."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))

DOUBLE = """#!/bin/sh
trap "" PIPE
# A build needs no turn.
note() { [ "$1" = build ] || echo "$2 $$" >>"$ROOT/trace"; }
trap 'note "$1" end; exit 143' TERM INT HUP
note "$1" start
i=0
while [ -e "$ROOT/hold" ] && [ $i -lt 1000 ]; do sleep 0.02; i=$((i + 1)); done
[ ! -e "$ROOT/output" ] || cat "$ROOT/output"
echo done
note "$1" end
"""


class Fault(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Fault(what)


class Place:
    """A private root with one build in its ledger, copied for each try."""

    def __init__(self, program):
        self.program = program
        self.base = tempfile.mkdtemp(prefix="faults.")
        self.root = self.base + "/root"
        self.env = {k: v for k, v in os.environ.items()
                    if not re.match("CLAUDE|CODEX|AGENT|AI_|SAFE_|SUDO", k)}
        self.env |= {"ROOT": self.root, "HOME": self.root + "/home", "TZ": "UTC",
                     "LC_ALL": "C.UTF-8", "GIT_CONFIG_GLOBAL": "/dev/null",
                     "PATH": self.root + "/bin:" + os.environ["PATH"],
                     "SAFE_REBUILD_SETTINGS": self.root + "/etc/safe-rebuild.ini"}
        subprocess.run([HERE + "/../system/make-root.sh", self.root], check=True)
        os.unlink(self.root + "/bin/nixos-rebuild")
        with open(self.root + "/bin/nixos-rebuild", "w") as double:
            double.write(DOUBLE)
        os.chmod(self.root + "/bin/nixos-rebuild", 0o755)
        self.config = self.root + "/config"
        os.mkdir(self.config)
        with open(self.config + "/flake.nix", "w") as flake:
            flake.write("{ outputs = _: { }; }\n")
        for words in (["init", "-q"], ["add", "-A"],
                      ["-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "x"]):
            subprocess.run(["git", *words], cwd=self.config, check=True, env=self.env)
        self.run("first", "switch", "--flake", ".")
        with open(self.config + "/flake.nix", "a") as flake:
            flake.write("# more\n")
        shutil.copytree(self.root, self.base + "/saved", symlinks=True)

    def reset(self):
        for _ in range(50):
            shutil.rmtree(self.root, ignore_errors=True)
            if not os.path.exists(self.root):
                break
            time.sleep(0.1)
        shutil.copytree(self.base + "/saved", self.root, symlinks=True)

    def run(self, agent, *words, timeout=20):
        return subprocess.run([self.program, "--agent", agent, *words], cwd=self.config, env=self.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=timeout)

    def traced(self, tracer, fault, call, n, *words, timeout=40):
        result = self.base + "/result"
        ran = subprocess.run(
            [tracer, result, os.path.basename(self.program), fault, str(n), call, "--", self.program,
             "--agent", "traced", *words], cwd=self.config, env=self.env,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=timeout)
        with open(result) as lines:
            told = lines.read().splitlines()
        status = [int(line.split()[1]) for line in told if line.startswith("status")]
        hit = [line.split()[2] for line in told if line.startswith("hit")]
        died = [int(line.split()[2]) for line in told if line.startswith("died")]
        return ran, status[0] if status else None, hit[0] if hit else None, died

    def start_holder(self, agent="holder"):
        self.hold()
        holder = subprocess.Popen([self.program, "--agent", agent, "switch", "--flake", "."], cwd=self.config,
                                  env=self.env, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  start_new_session=True)
        while "start" not in self.trace()[-1:] and not self.runs():
            pass
        return holder

    def processes(self, *names):
        """Those of these names in this root; without names ours."""
        names = [name[:15] for name in names or [os.path.basename(self.program)]]
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/comm") as comm, open(f"/proc/{pid}/environ", "rb") as environ:
                    if comm.read().strip() in names and f"ROOT={self.root}".encode() in environ.read().split(b"\0"):
                        found.append(int(pid))
            except OSError:
                pass
        return found

    def has_living_tickets(self):
        """A dying process has lost its environment, by which processes() knows it, for up to 30 ms
        before it lets go of its locks."""
        queue = self.root + "/run/safe-rebuild/queue"
        for name in os.listdir(queue):
            with contextlib.suppress(FileNotFoundError), open(f"{queue}/{name}") as ticket:
                try:
                    fcntl.flock(ticket, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return True
        return False

    def kill_runs(self):
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)

    def trace(self):
        try:
            with open(self.root + "/trace") as trace:
                return [line.split()[0] for line in trace]
        except FileNotFoundError:
            return []

    def runs(self):
        return self.trace()[-1:] == ["start"]

    def hold(self):
        """A nixos-rebuild that begins from now on does not end."""
        open(self.root + "/hold", "w").close()

    def let_go(self):
        try:
            os.unlink(self.root + "/hold")
        except FileNotFoundError:
            pass

    @contextlib.contextmanager
    def released_soon(self, holder):
        """What is held ends in a moment, and has ended after this."""
        let_go = subprocess.Popen(["sh", "-c", 'sleep 0.4; rm -f "$ROOT/hold"'], env=self.env)
        try:
            yield
        finally:
            let_go.wait()
            self.let_go()
            holder.wait()

    def git_ledger(self, *words):
        return subprocess.run(["git", "--git-dir", self.root + "/var/lib/safe-rebuild/ledger.git", *words],
                              capture_output=True, text=True, env=self.env)

    def check_ledger(self):
        fsck = self.git_ledger("fsck", "--strict", "--no-dangling", "--no-progress")
        check(fsck.returncode == 0, f"git fsck: {fsck.stderr}")

    def builds_by_number(self):
        """The agent of each."""
        return {build["build"]: build["agent"] for build in self.builds()}

    def builds(self):
        log = subprocess.run([self.program, "log", "-n", "1000", "--json"], cwd=self.config,
                             env=self.env, capture_output=True, text=True)
        check(log.returncode == 0, f"log ended with {log.returncode}: {log.stderr}")
        return json.loads(log.stdout)["builds"]
