"""What the benchmarks share: a private root with a configuration in it, and a fair comparison.

Commands are measured in turn (A B A B ...), so that what else the machine does hits all of them,
and medians are told. Processor time is that of all processes that a command leads to, also of
those that outlive it: the measuring process adopts orphans and waits for them.
"""

import ctypes
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.join(SOURCE, "build")
PROGRAM = os.environ.get("SAFE_REBUILD") or os.path.join(BUILD, "src", "safe-rebuild")
ENVIRONMENT = dict(os.environ, GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL="/dev/null",
                   GIT_AUTHOR_NAME="b", GIT_AUTHOR_EMAIL="b@localhost", GIT_COMMITTER_NAME="b",
                   GIT_COMMITTER_EMAIL="b@localhost")
PR_SET_CHILD_SUBREAPER = 36


def build(*targets):
    if not os.path.exists(os.path.join(BUILD, "build.ninja")):
        subprocess.run(["meson", "setup", BUILD, SOURCE], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", BUILD, "src/safe-rebuild", *targets], check=True,
                   stdout=subprocess.DEVNULL)


def run(*words, **more):
    return subprocess.run(words, check=True, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, **more).stdout.strip()


class Place:
    """A private root whose nixos-rebuild does nothing, and a configuration of so many files."""

    def __init__(self, files):
        self.root = tempfile.mkdtemp(prefix="bench.")
        self.config = os.path.join(self.root, "config")
        self.settings = os.path.join(self.root, "settings.ini")
        for i in range(files):
            directory = f"{self.config}/d{i // 500}/s{i // 20 % 25}"
            os.makedirs(directory, exist_ok=True)
            with open(f"{directory}/f{i}.nix", "w") as file:
                file.write(f"# file {i}\n" + "x = 1;\n" * (i % 100))
        with open(f"{self.config}/flake.nix", "w") as file:
            file.write("{ }\n")
        self.rebuild = self.script("nixos-rebuild", "#!/bin/sh\nexit 0\n")
        with open(self.settings, "w") as file:
            file.write(f"[rebuild]\ncommand = {self.rebuild}\n[paths]\n")
            for key in ("run", "state", "log", "profiles", "current-system", "activation-lock",
                        "system-slice"):
                file.write(f"{key} = {self.root}/{key}\n")
        os.chmod(self.settings, 0o644)
        self.git("init", "-q", "-b", "main")
        self.commit("first")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root)

    def git(self, *words):
        return run("git", "-C", self.config, *words)

    def commit(self, subject):
        self.git("add", "-A")
        self.git("commit", "-qm", subject)
        return self.git("rev-parse", "HEAD")

    def ours(self, *words, agent="a"):
        return [PROGRAM, "--settings", self.settings, "--agent", agent, *words]

    def call(self, *words, agent="a"):
        subprocess.run(self.ours(*words, agent=agent), cwd=self.config, env=ENVIRONMENT, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def edit(self, name, text):
        with open(f"{self.config}/{name}", "a") as file:
            file.write(text)

    def live(self, name):
        """What a rebuild would have made live."""
        os.makedirs(f"{self.root}/profiles", exist_ok=True)
        os.makedirs(f"{self.root}/{name}", exist_ok=True)
        for link in ("profiles/system", "current-system"):
            path = f"{self.root}/{link}"
            if os.path.lexists(path):
                os.unlink(path)
            os.symlink(f"{self.root}/{name}", path)

    def fill_ledger(self, last):
        """Repeats the newest build, agent a's, up to that number."""
        ledger = ["git", "--git-dir", f"{self.root}/state/ledger.git"]
        tree = run(*ledger, "rev-parse", "refs/heads/builds^{tree}")
        number = int(run(*ledger, "log", "-1", "--format=%(trailers:key=Build,valueonly)", "builds"))
        message = run(*ledger, "log", "-1", "--format=%B", "builds")
        stream = []
        for i in range(number + 1, last + 1):
            text = "\n".join(
                f"Build: {i}" if line.startswith("Build:") else
                f"Numbers-Given: {i}" if line.startswith("Numbers-Given:") else line
                for line in message.splitlines()) + "\n"
            stream.append(f"commit refs/heads/builds\ncommitter b <b@localhost> {1700000000 + i} +0000\n"
                          f"data {len(text.encode())}\n{text}" +
                          ("from refs/heads/builds^0\n" if i == number + 1 else "") +
                          f"M 040000 {tree} \n\n")
        subprocess.run([*ledger, "fast-import", "--quiet", "--force"], input="".join(stream), text=True,
                       check=True, env=ENVIRONMENT)
        run(*ledger, "update-ref", "refs/agents/system/a", "refs/heads/builds")

    def script(self, name, text):
        path = os.path.join(self.root, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o755)
        return path


def measure_once(command, place):
    """Seconds until it returned, and of processor time of all that it led to."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    subprocess.run(command, env=ENVIRONMENT, cwd=place.config, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=False)
    wall = time.monotonic() - start
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(what, place, commands, prepare=None, rounds=15):
    """commands: names and argument lists; the first is compared with each of the others."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    times = {name: [] for name in commands}
    for turn in range(rounds + 2):
        for name, command in commands.items():
            if prepare:
                subprocess.run(prepare, shell=True, check=True)
            measured = measure_once(command, place)
            if turn >= 2:
                times[name].append(measured)
    medians = {name: [statistics.median(column) * 1000 for column in zip(*rows)]
               for name, rows in times.items()}
    first = next(iter(medians))
    parts = []
    for name, (wall, cpu) in medians.items():
        text = f"{name} {wall:.1f} ms (processor {cpu:.1f})"
        if name != first:
            text += f", ratio {medians[first][0] / wall:.2f}"
        parts.append(text)
    print(f"  {what}: " + "; ".join(parts), flush=True)
