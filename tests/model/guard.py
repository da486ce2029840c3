#!/usr/bin/env python3
"""guard.py PROGRAM [BUILDS [SEED [ATTRIBUTED]]]: plays histories against the executable, in which
it is known what was taken away unseen, and counts what the guard missed and wrongly refused.

Some agents, all under one git name, edit files of options in one checkout, in clones, or in both:
from fresh or stale copies, they commit, amend, revert, reset, stash, move, sort and indent, merge
and rebase, cherry-pick, update flake.lock, and build; a person rolls back now and then. Every
option has a text of its own, so the model knows who wrote it and who took it out knowingly: one
who had read it. What is gone from live without that was taken away unseen.

Misses may be 0.5 %, wrong refusals 3 % (1 % where ATTRIBUTED says that agents' hooks have noted
every edit); at least 400 builds are needed for these to mean something. Not counted as wrong: to
ask about what another has taken out knowingly, or another's build has dropped.
"""

import difflib
import hashlib
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zlib

LOCK = "flake.lock"


def option(line):
    """The text that names an option and its version; None for a line that says nothing."""
    text = line.strip()
    return text if text.startswith("opt") else None


def options(tree):
    return {option(line) for name, text in tree.items() if name != LOCK for line in text} - {None}


def regions(base, ours, theirs):
    """The pieces of a three-way merge: (base, ours, theirs), equal ones too."""
    def edits(side):
        matcher = difflib.SequenceMatcher(None, base, side, autojunk=False)
        return [code for code in matcher.get_opcodes() if code[0] != "equal"]
    events = sorted([(code[1], code[2], 0, code) for code in edits(ours)] +
                    [(code[1], code[2], 1, code) for code in edits(theirs)],
                    key=lambda event: event[:3])
    shift, at, index = [0, 0], 0, 0
    while index < len(events):
        low, high = events[index][:2]
        group = []
        while index < len(events) and (not group or events[index][0] <= high):
            high = max(high, events[index][1])
            group.append(events[index])
            index += 1
        yield base[at:low], base[at:low], base[at:low]
        pieces = []
        for number, side in ((0, ours), (1, theirs)):
            start = low + shift[number]
            for event in group:
                if event[2] == number:
                    code = event[3]
                    shift[number] += (code[4] - code[3]) - (code[2] - code[1])
            pieces.append(side[start:high + shift[number]])
        yield base[low:high], pieces[0], pieces[1]
        at = high
    yield base[at:], base[at:], base[at:]


class Commit:
    def __init__(self, parents, tree, date, message):
        self.parents, self.tree, self.date, self.message = parents, dict(tree), date, message
        self.ancestors = {self}.union(*(parent.ancestors for parent in parents))
        self.objects = {}
        self.oid = self.write()

    def add(self, kind, data):
        raw = b"%s %d\0%s" % (kind, len(data), data)
        oid = hashlib.sha1(raw).hexdigest()
        self.objects[oid] = raw
        return oid

    def write(self):
        entries = b"".join(
            b"100644 %s\0%s" % (name.encode(), bytes.fromhex(self.add(b"blob", encode(text))))
            for name, text in sorted(self.tree.items()))
        tree = self.add(b"tree", entries)
        parents = "".join(f"parent {parent.oid}\n" for parent in self.parents)
        who = "team <team@localhost>"
        return self.add(b"commit", (f"tree {tree}\n{parents}author {who} {self.date} +0000\n"
                                    f"committer {who} {self.date} +0000\n\n{self.message}\n").encode())


def encode(text):
    return "".join(line + "\n" for line in text).encode()


def lock(versions):
    """A flake.lock, as lines: its inputs have no follower and a day for a time."""
    nodes = ", ".join(f'"{name}": {{"locked": {{"lastModified": {day * 86400}, "rev": "{day:040d}"}}}}'
                      for name, day in sorted(versions.items()))
    inputs = ", ".join(f'"{name}": "{name}"' for name in sorted(versions))
    return [f'{{"nodes": {{{nodes}, "root": {{"inputs": {{{inputs}}}}}}}, "root": "root", "version": 7}}']


class Checkout:
    def __init__(self, world, name, head):
        self.path = os.path.join(world.root, name)
        self.head, self.tree, self.stash = head, dict(head.tree), None
        self.locks, self.written = dict(world.locks), set()
        os.makedirs(self.path)
        subprocess.run(["git", "-C", self.path, "init", "-q", "-b", "main"], check=True, env=world.env)

    def store(self, commit):
        """The commit and what leads to it, as loose objects."""
        todo = [commit]
        while todo:
            commit = todo.pop()
            if commit in self.written:
                continue
            self.written.add(commit)
            todo += commit.parents
            for oid, raw in commit.objects.items():
                path = os.path.join(self.path, ".git", "objects", oid[:2], oid[2:])
                if not os.path.exists(path):
                    os.makedirs(os.path.dirname(path), exist_ok=True)
                    with open(path, "wb") as file:
                        file.write(zlib.compress(raw))

    def write(self, env):
        self.store(self.head)
        with open(os.path.join(self.path, ".git", "refs", "heads", "main"), "w") as file:
            file.write(self.head.oid + "\n")
        self.write_files()
        subprocess.run(["git", "-C", self.path, "add", "-A"], check=True, env=env)

    def write_files(self):
        for name in os.listdir(self.path):
            if name != ".git" and name not in self.tree:
                os.unlink(os.path.join(self.path, name))
        for name, text in self.tree.items():
            path, data = os.path.join(self.path, name), encode(text)
            if not os.path.exists(path) or open(path, "rb").read() != data:
                with open(path, "wb") as file:
                    file.write(data)


class Agent:
    def __init__(self, name, checkout):
        self.name, self.checkout, self.views = name, checkout, {}


class World:
    def __init__(self, program, seed, attributed, kind):
        self.random, self.attributed, self.program = random.Random(seed), attributed, program
        self.root = tempfile.mkdtemp(prefix="guard-model.")
        self.env = {"PATH": os.environ["PATH"], "HOME": self.root, "GIT_CONFIG_NOSYSTEM": "1",
                    "GIT_CONFIG_GLOBAL": "/dev/null", "ROOT": self.root,
                    "SAFE_REBUILD_SETTINGS": f"{self.root}/settings.ini"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        self.write_settings()
        self.time, self.count = 1000000, 0
        self.edited = self.stamped = 0  # when the last edit was noted, the last call ended
        self.author, self.killer, self.returner = {}, {}, {}
        self.dropped = {}  # whose build took it out of what is live
        self.locks, self.lock_author = {"nixpkgs": 1, "home": 1}, {}
        tree = {f"m{number}.nix": ["{"] + [self.new("root") for _ in range(self.random.randint(6, 20))] + ["}"]
                for number in range(self.random.randint(2, 4))}
        tree["flake.nix"] = ["{ outputs = _: { }; }"]
        tree[LOCK] = lock(self.locks)
        first = Commit([], tree, self.time, "first")
        places = {"shared": ["etc"] * 3, "clones": ["c0", "c1", "c2"], "both": ["etc", "etc", "c2"]}[kind]
        made = {name: Checkout(self, name, first) for name in sorted(set(places))}
        self.agents = [Agent(f"a{number}", made[name]) for number, name in enumerate(places)]
        self.shared = kind == "shared"
        self.origin = first
        self.live = self.before = None
        self.ever, self.rolled_locks, self.locks_reverted = set(), set(), set()
        self.attempts = self.misses = self.told = self.wrong = self.losses = 0
        self.notes = []
        self.systems = 0
        self.build(Agent("root", self.agents[0].checkout))

    def write_settings(self):
        rebuild = f"{self.root}/nixos-rebuild"
        with open(rebuild, "w") as file:
            file.write('#!/bin/sh\n[ -z "$FAIL" ] || { echo "error: no" >&2; exit 1; }\n'
                       'mkdir -p "$SYSTEM" "$ROOT/profiles"\nln -sfn "$SYSTEM" "$ROOT/profiles/system"\n'
                       'ln -sfn "$SYSTEM" "$ROOT/current-system"\n')
        os.chmod(rebuild, 0o755)
        with open(f"{self.root}/settings.ini", "w") as file:
            file.write(f"[rebuild]\ncommand = {rebuild}\n[paths]\n")
            for key in ("run", "state", "log", "profiles", "current-system", "activation-lock", "system-slice"):
                file.write(f"{key} = {self.root}/{key}\n")
        os.chmod(f"{self.root}/settings.ini", 0o644)

    def new(self, who, name=None):
        self.count += 1
        line = f"  {name or f'opt{self.count}'} = \"v{self.count}\";"
        self.author[option(line)] = who
        return line

    # What somebody knows that he takes out, or puts back.
    def knows_gone(self, texts, who):
        for text in texts:
            self.killer[text] = who
            self.returner.pop(text, None)

    def knows_back(self, texts, who):
        for text in texts:
            self.returner[text] = who
            self.killer.pop(text, None)

    def edit(self, agent):
        place, rnd = agent.checkout, self.random
        if rnd.random() < 0.07:
            name = rnd.choice(sorted(place.locks))
            self.locks[name] += 1
            place.locks[name] = self.locks[name]
            place.tree[LOCK] = lock(place.locks)
            self.lock_author[name, self.locks[name]] = agent.name
            return self.note_edit(agent, LOCK)
        names = sorted(name for name in place.tree if name not in (LOCK, "flake.nix"))
        name = rnd.choice(names) if rnd.random() < 0.5 else names[0]
        whole = rnd.random() < 0.35  # writes the whole file, as it remembers it
        if name not in agent.views or rnd.random() < (0.55 if whole else 0.75):
            agent.views[name] = list(place.tree[name])
        text = list(agent.views[name] if whole else place.tree[name])
        self.change(agent, name, text)
        if name in place.tree:
            place.tree[name] = text
            agent.views[name] = list(text)
            self.note_edit(agent, name)

    def change(self, agent, name, text):
        rnd, place = self.random, agent.checkout
        at = [index for index, line in enumerate(text) if option(line)]
        own = [index for index in at if self.author[option(text[index])] == agent.name]
        other = [index for index in at if index not in own]
        kind = rnd.random()
        if kind < 0.30:
            text.insert(len(text) - 1, self.new(agent.name))
        elif kind < 0.52:
            text.insert(rnd.randint(1, max(1, len(text) - 1)), self.new(agent.name))
        elif kind < 0.72 and (own or other):
            index = rnd.choice(own if own and rnd.random() < 0.6 else at)
            self.knows_gone([option(text[index])], agent.name)
            text[index] = self.new(agent.name, option(text[index]).split()[0])
        elif kind < 0.80 and own:
            index = rnd.choice(own)
            self.knows_gone([option(text[index])], agent.name)
            del text[index]
        elif kind < 0.83 and other:
            index = rnd.choice(other)
            self.knows_gone([option(text[index])], agent.name)
            del text[index]
        elif kind < 0.88:
            text[1:-1] = sorted(text[1:-1], key=str.strip)
        elif kind < 0.92:
            text[:] = [line if line in "{}" else "    " + line.strip() for line in text]
        elif kind < 0.96 and len(at) > 3:  # moves some lines
            names = [n for n in place.tree if n not in (LOCK, "flake.nix", name)]
            if names:
                block = text[at[0]:at[0] + 2]
                del text[at[0]:at[0] + 2]
                target = rnd.choice(sorted(names))
                place.tree[target] = place.tree[target][:1] + [l for l in block if option(l)] + place.tree[target][1:]
                text[1:1] = [l for l in block if not option(l) and l not in "{}"]
                self.note_edit(agent, target)
        elif kind < 0.975:
            self.count += 1
            renamed = f"m{self.count}.nix"
            place.tree[renamed] = list(place.tree[name])
            del place.tree[name]
            self.note_edit(agent, renamed)
        else:
            text.insert(len(text) - 1, self.new(agent.name))

    def note_edit(self, agent, name):
        """What the agent's hook would note."""
        if self.attributed:
            self.wait_for_second()
            os.makedirs(f"{self.root}/state/edits", exist_ok=True)
            with open(f"{self.root}/state/edits/{os.geteuid()}", "a") as file:
                file.write(f"{self.clock()} {agent.name} {agent.checkout.path}/{name}\n")
            self.edited = self.clock()

    def clock(self):
        return int(time.time())

    def wait_for_edits(self):
        while self.clock() == self.edited:
            time.sleep(0.02)

    def wait_for_second(self):
        """Edits and builds are stamped with seconds: between one and the other the clock moves."""
        while self.clock() == self.stamped:
            time.sleep(0.02)

    def commit(self, place, message, parents=None, date=None):
        if place.tree != place.head.tree or parents:
            place.head = Commit(parents or [place.head], place.tree, date or self.time, message)

    def merge(self, base, ours, theirs, who):
        """Line by line; in a conflict both sides are kept, as one who reads it does."""
        merged = {}
        for name in set(base) | set(ours) | set(theirs):
            b, o, t = base.get(name), ours.get(name), theirs.get(name)
            if o == t or t == b:
                text = o
            elif o == b:
                text = t
            elif name == LOCK:
                text = max(o, t, key=lambda side: [int(n) for n in re.findall(r'Modified": (\d+)', side[0])])
            elif b is None or o is None or t is None:
                text = o or t
            else:
                text = []
                for b_part, o_part, t_part in regions(b, o, t):
                    if o_part == t_part or t_part == b_part:
                        text += o_part
                    elif o_part == b_part:
                        text += t_part
                    else:
                        text += o_part + [line for line in t_part if line not in o_part and line not in b_part]
            if text is not None:
                merged[name] = list(text)
        return merged

    def integrate(self, agent, commit):
        place = agent.checkout
        if commit in place.head.ancestors:
            return
        self.commit(place, "work in progress")
        common = max(place.head.ancestors & commit.ancestors, key=lambda c: (c.date, len(c.ancestors)))
        place.tree = self.merge(common.tree, place.head.tree, commit.tree, agent.name)
        place.locks = {name: max(place.locks[name], self.locks_of(commit.tree)[name]) for name in place.locks}
        place.tree[LOCK] = lock(place.locks)
        if common is place.head:
            place.head = commit
            if place.tree != commit.tree:
                self.commit(place, "lock")
        else:
            self.commit(place, "Merge", [place.head, commit])

    @staticmethod
    def locks_of(tree):
        found = re.findall(r'"(\w+)": {"locked": {"lastModified": (\d+)', tree[LOCK][0])
        return {name: int(seconds) // 86400 for name, seconds in found}

    def revert(self, agent):
        place, commit = agent.checkout, agent.checkout.head
        if len(commit.parents) != 1 or place.tree != commit.tree:
            return
        before = options(place.tree)
        self.locks_reverted |= set(place.locks.items()) - set(self.locks_of(commit.parents[0].tree).items())
        place.tree = dict(commit.parents[0].tree)
        place.locks = self.locks_of(place.tree)
        after = options(place.tree)
        self.knows_gone(before - after, agent.name)
        self.knows_back(after - before, agent.name)
        self.commit(place, f'Revert "{commit.message}"\n\nThis reverts commit {commit.oid}.')

    def accident(self, agent):
        place = agent.checkout
        if not place.head.parents:
            return
        parent, kind = place.head.parents[0], self.random.random()
        if kind < 0.4:
            place.tree = dict(parent.tree)
        elif kind < 0.6:
            place.head = parent
        elif kind < 0.8:
            place.head, place.tree = parent, dict(parent.tree)
        else:
            name = self.random.choice(sorted(place.tree))
            if name in parent.tree:
                place.tree[name] = list(parent.tree[name])
        place.locks = self.locks_of(place.tree)

    def step(self):
        self.time += 60
        agent = self.random.choice(self.agents)
        self.act(agent, agent.checkout)
        agent.checkout.write_files()

    def act(self, agent, place):
        rnd, kind = self.random, self.random.random()
        if kind < 0.10:
            for name in rnd.sample(sorted(place.tree), 2):
                agent.views[name] = list(place.tree[name])
        elif kind < 0.56:
            self.edit(agent)
        elif kind < 0.68:
            self.commit(place, f"edit {self.time}")
        elif kind < 0.695 and len(place.head.parents) == 1:
            place.head = Commit(place.head.parents, place.tree, place.head.date, place.head.message)
        elif kind < 0.71:
            self.revert(agent)
        elif kind < 0.725:
            self.accident(agent)
        elif kind < 0.735 and not place.stash and place.tree != place.head.tree:
            place.stash = (place.head.tree, place.tree)
            place.tree, place.locks = dict(place.head.tree), self.locks_of(place.head.tree)
        elif kind < 0.75 and place.stash:
            base, stashed = place.stash
            place.tree, place.stash = self.merge(base, place.tree, stashed, agent.name), None
            place.locks = self.locks_of(place.tree)
        elif kind < 0.83 and not self.shared:
            self.integrate(agent, self.origin)
            if rnd.random() < 0.6:
                self.commit(place, f"edit {self.time}")
                self.origin = place.head if self.origin in place.head.ancestors else self.origin
        elif kind < 0.99:
            if rnd.random() < 0.5:
                self.commit(place, f"edit {self.time}")
            self.build(agent)
        elif self.before:
            self.rollback()

    # What would be taken away unseen, what others know that it was taken out, or whose build has
    # (by an accident of theirs: nobody else can tell, and to ask is right), and what comes back.
    def truth(self, agent):
        live, mine = self.live, agent.checkout.tree
        unseen, known, back = set(), set(), set()
        for text in options(live) - options(mine):
            author, killer = self.author[text], self.killer.get(text)
            if agent.name != author and killer != author:
                (known if killer else unseen).add(text)
        for name, day in self.locks_of(live).items():
            if self.locks_of(mine)[name] < day and self.lock_author.get((name, day), agent.name) != agent.name:
                (known if (name, day) in self.locks_reverted else unseen).add(f"{name} {day}")
        for name, day in self.locks_of(mine).items():
            if self.locks_of(live)[name] < day and (name, day) in self.rolled_locks:
                back.add(f"{name} {day}")
        for text in (options(mine) - options(live)) & self.ever:
            killer = self.killer.get(text)
            if killer and killer != agent.name:
                back.add(text)
            elif self.dropped.get(text, agent.name) != agent.name:
                known.add(text)
        return unseen, known, back

    def call(self, agent, *more, fail=False):
        self.systems += 1
        env = dict(self.env, SYSTEM=f"{self.root}/systems/{self.systems}")
        if fail:
            env["FAIL"] = "1"
        if "--rollback" in more:
            env["SYSTEM"] = self.before[1]
        if self.attributed:
            self.wait_for_edits()
        words = [self.program, "--agent", agent.name, *more]
        if "--rollback" not in more:
            words += ["switch", "--flake", f"{agent.checkout.path}#m"]
        done = subprocess.run(words, env=env, cwd=self.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        self.stamped = self.clock()
        return done.returncode, done.stdout, env["SYSTEM"]

    def allowed(self, output):
        line = next(line for line in output.splitlines() if "if it is meant to" in line)
        words = []
        for name in ("--allow-undo", "--allow-redo"):
            found = re.search(rf"{name} (\S+)", line)
            words += [name, found.group(1)] if found else []
        return words

    def build(self, agent):
        place = agent.checkout
        place.write(self.env)
        fail = self.live is not None and self.random.random() < 0.05
        unseen, known, back = self.truth(agent) if self.live else (set(), set(), set())
        status, output, system = self.call(agent, fail=fail)
        self.judge(agent, status, output, unseen, known, back)
        if status == 65:
            if (unseen or back) and self.random.random() < 0.7:
                self.bring_in(agent, unseen, back)
                place.write(self.env)
            elif unseen or back:
                return
            status, output, system = self.call(agent, fail=fail)
            if status == 65:
                self.insist(agent)
                status, output, system = self.call(agent, *self.allowed(output), fail=fail)
        if status == 0:
            self.before = (self.live, self.live_system) if self.live else None
            self.dropped.update(dict.fromkeys(options(self.live or {}) - options(place.tree), agent.name))
            self.live, self.live_system = dict(place.tree), system
            self.ever |= options(self.live)

    def insist(self, agent):
        """Whoever allows what was named to him has taken it out, or put it back, knowingly."""
        live, mine = options(self.live), options(agent.checkout.tree)
        self.knows_gone(live - mine, agent.name)
        self.knows_back(mine & self.ever - live, agent.name)

    def judge(self, agent, status, output, unseen, known, back):
        self.attempts += 1
        self.losses += bool(unseen or back)
        if status not in (0, 1, 65) or "cannot tell whether" in output or "AddressSanitizer" in output:
            self.notes.append(f"exit {status}:\n{output}")
            self.misses += 1
        elif status != 65 and all(text in output.replace('\\"', '"') for text in unseen | back):
            self.told += bool(unseen or back)
        elif status != 65 and (unseen or back):
            self.misses += 1
            self.notes.append(f"missed by {agent.name}: unseen {sorted(unseen)} back {sorted(back)}\n{output}")
        elif status == 65 and not (unseen or back or known):
            self.wrong += 1
            self.notes.append(f"wrongly refused {agent.name}: {self.explain(agent)}\n{output}")

    def explain(self, agent):
        """Who wrote what differs, and who knows of it."""
        live, mine = options(self.live), options(agent.checkout.tree)
        return "; ".join(f"{sign}{text} by {self.author[text]}, killed by {self.killer.get(text)}"
                         for sign, texts in (("-", live - mine), ("+", (mine - live) & self.ever))
                         for text in sorted(texts))

    def bring_in(self, agent, unseen, back):
        place = agent.checkout
        for text in sorted(unseen | {text for text in back if text.split()[0] in place.locks}):
            if text in options(place.tree):
                continue
            name, day = text.split()[0], text.split()[-1]
            if name in place.locks:
                place.locks[name] = self.locks_of(self.live)[name]
                continue
            target = sorted(n for n in place.tree if n.startswith("m"))[0]
            lines = [line for line in place.tree[target] if not (option(line) or "").startswith(name + " ")]
            place.tree[target] = lines[:-1] + ["  " + text] + lines[-1:]
        for name, lines in list(place.tree.items()):
            if name != LOCK:
                place.tree[name] = [line for line in lines if option(line) not in back]
        place.tree[LOCK] = lock(place.locks)
        for name in place.tree:
            agent.views[name] = list(place.tree[name])

    def rollback(self):
        person = Agent("alice", None)
        status, output, _ = self.call(person, "switch", "--rollback")
        if status == 65:
            status, output, _ = self.call(person, *self.allowed(output), "switch", "--rollback")
        if status != 0:
            self.notes.append(f"rollback: {output}")
            return
        self.rolled_locks |= set(self.locks_of(self.live).items()) - set(self.locks_of(self.before[0]).items())
        gone, back = options(self.live) - options(self.before[0]), options(self.before[0]) - options(self.live)
        self.knows_gone(gone, "alice")
        self.knows_back(back, "alice")
        self.live, self.live_system = self.before
        self.before = None


FIGURES = ("attempts", "losses", "misses", "told", "wrong")
HISTORY = 60  # builds in one


def play(program, seed, attributed, builds):
    """One history of its own: its figures, and what there is to explain."""
    world = World(program, seed, attributed, ("shared", "clones", "both")[seed % 3])
    try:
        while world.attempts < builds:
            world.step()
    finally:
        shutil.rmtree(world.root)
    return [getattr(world, name) for name in FIGURES], [f"history {seed}: {note}" for note in world.notes]


def main():
    program = os.path.abspath(sys.argv[1])
    builds, seed = (int(word) for word in (sys.argv[2:4] + ["200", "1"][len(sys.argv[2:4]):]))
    attributed = len(sys.argv) > 4
    # Where edits are attributed, a history waits for the clock most of the time.
    workers = (os.cpu_count() or 1) * (8 if attributed else 1)
    histories = [(program, seed + number, attributed, min(HISTORY, builds)) for number in range(-(-builds // HISTORY))]
    with multiprocessing.Pool(min(workers, len(histories))) as pool:
        played = pool.starmap(play, histories, chunksize=1)
    attempts, losses, misses, told, wrong = (sum(column) for column in zip(*(figures for figures, _ in played)))
    for note in [note for _, notes in played for note in notes] if os.environ.get("VERBOSE") else []:
        print(note)
    missed_rate, wrong_rate = 100 * misses / attempts, 100 * wrong / attempts
    print(f"{attempts} builds, {losses} would lose something unseen: {misses} missed ({missed_rate:.2f} %), "
          f"{told} named and passed, {wrong} wrongly refused ({wrong_rate:.2f} %)")
    sys.exit(missed_rate > 0.5 or wrong_rate > (1 if attributed else 3))


if __name__ == "__main__":
    main()
