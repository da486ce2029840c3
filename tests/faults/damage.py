#!/usr/bin/env python3
"""damage.py PROGRAM [STEP]: every STEP-th file of a ledger, of loose objects and of one that git has
packed, is removed, emptied, cut in half, has a bit of its middle or its end turned, has
become a directory, or is an object that claims to be shorter. Held:

- status, log, show and diff end within seconds and nothing crashes;
- the next two calls succeed, the second under a higher number than the first, and no number of
  a build that can still be read is given again;
- what can be read of the ledger afterwards is what could be read before, and the two calls.
"""

import os
import re
import shutil
import subprocess
import sys
import zlib

from place import Fault, Place, check


def remove(path):
    os.unlink(path)


def empty(path):
    os.chmod(path, 0o644)
    os.truncate(path, 0)


def halve(path):
    os.chmod(path, 0o644)
    os.truncate(path, os.path.getsize(path) // 2)


def turn(path, offset):
    os.chmod(path, 0o644)
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 0x10]))


def turn_middle(path):
    turn(path, os.path.getsize(path) // 2)


def turn_end(path):
    turn(path, os.path.getsize(path) - 1)


def make_directory(path):
    os.unlink(path)
    os.mkdir(path)


def claim_less(path):
    """An object whose header says that it has fewer bytes than follow."""
    with open(path, "rb") as file:
        header, content = zlib.decompress(file.read()).split(b"\0", 1)
    os.chmod(path, 0o644)
    with open(path, "wb") as file:
        file.write(zlib.compress(header.split()[0] + b" 1\0" + content))


DAMAGES = [remove, empty, halve, turn_middle, turn_end, make_directory, claim_less]


def build_some(place):
    """Some builds of two agents, one of them failed."""
    for number, agent in enumerate(["alpha", "beta", "alpha", "beta", "gamma"]):
        with open(place.config + "/flake.nix", "a") as flake:
            flake.write(f"# {number} of {agent}\n")
        place.run(agent, "switch", "--flake", ".")


def ledger_files(place):
    top = place.root + "/var/lib/safe-rebuild"
    return sorted(os.path.join(folder, name) for folder, _, names in os.walk(top) for name in names)


def check_looks(place):
    for words in (["status"], ["log"], ["diff", "--flake", "."], ["show", "2"]):
        ran = place.run("beta", *words, timeout=10)
        check(ran.returncode in (0, 1, 2, 65, 125), f"{words} ended with {ran.returncode}: {ran.stderr}")
        check("Sanitizer" not in ran.stderr and "runtime error" not in ran.stderr, f"a sanitizer speaks: {ran.stderr}")


def try_damage(place, path, damage):
    damage(path)
    check_looks(place)
    try:
        known = place.builds_by_number()
    except Fault:
        known = {}  # It cannot be opened; root makes it whole.
    highest = max(known, default=0)
    for agent in ("beta", "alpha"):
        with open(place.config + "/flake.nix", "a") as flake:
            flake.write(f"# once more by {agent}\n")
        ran = place.run(agent, "switch", "--flake", ".")
        # A guard that knows less may ask; what it names passes.
        check(ran.returncode == 0, f"a call by {agent} ended with {ran.returncode}: {ran.stderr}")
        builds = place.builds_by_number()
        number = max(builds, default=0)
        if "not recorded" not in ran.stderr:
            check(number > highest and builds[number] == agent, f"no record of {agent}'s: {ran.stderr}")
        lost = {n: by for n, by in known.items() if builds.get(n) != by}
        check(not lost, f"lost after a call by {agent}: {lost}, {ran.stderr}")
        highest, known = max(number, highest), builds


def try_ledger(place, saved, step, tried):
    shutil.rmtree(saved, ignore_errors=True)
    shutil.copytree(place.root, saved, symlinks=True)
    failures = 0
    for path in ledger_files(place)[::step]:
        for damage in DAMAGES:
            if damage not in (remove, make_directory) and os.path.getsize(path) == 0:
                continue
            if damage is claim_less and not re.search("/objects/../", path):
                continue
            tried[0] += 1
            try:
                try_damage(place, path, damage)
            except (Fault, subprocess.TimeoutExpired) as wrong:
                failures += 1
                print(f"{damage.__name__} {path.removeprefix(place.root)}: {wrong}", flush=True)
            place.kill_runs()
            shutil.rmtree(place.root)
            shutil.copytree(saved, place.root, symlinks=True)
    return failures


def main():
    place, step, tried = Place(os.path.realpath(sys.argv[1])), int(sys.argv[2]) if len(sys.argv) > 2 else 1, [0]
    build_some(place)
    failures = try_ledger(place, place.base + "/damaged", step, tried)
    place.git_ledger("gc", "--quiet")
    failures += try_ledger(place, place.base + "/damaged", step, tried)
    print(f"{tried[0]} damages, {failures} of them not held")
    if not failures:
        shutil.rmtree(place.base)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
