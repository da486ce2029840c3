#!/usr/bin/env python3
"""full.py PROGRAM [STEP]: what we write to is a file system without room, or without inodes: that
of run, of state or of log, new or in use, with every STEP-th number of pages or inodes left, from
none to enough. Held:

- nixos-rebuild runs and all its output is seen, unless the lock itself finds no room (125);
- a success is recorded, or it is said that it is not;
- with room again a call succeeds within seconds, under a higher number;
- git finds nothing wrong with the ledger, and nothing is left behind.
"""

import os
import shutil
import subprocess
import sys

from place import Fault, Place, check

PAGE = os.sysconf("SC_PAGE_SIZE")
OUTPUT = "".join(f"building line {i} of what nixos-rebuild prints\n" for i in range(1500))
DIRECTORIES = {"run": "/run", "state": "/var/lib", "log": "/var/log"}


def limit(directory, unit, left):
    """Leaves so many pages or inodes; None: enough."""
    room = os.statvfs(directory)
    pages, inodes = room.f_blocks - room.f_bfree, room.f_files - room.f_ffree
    size = pages + left if unit == "pages" and left is not None else 16384
    count = inodes + left if unit == "inodes" and left is not None else 16384
    subprocess.run(["mount", "-o", f"remount,size={size * PAGE},nr_inodes={count}", directory], check=True)


def mount(place, directory, is_new):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", directory], check=True)
    saved = place.base + "/saved" + directory.removeprefix(place.root)
    if not is_new and os.path.isdir(saved):
        shutil.copytree(saved, directory, symlinks=True, dirs_exist_ok=True)
    # A limit of nothing would be none.
    with open(directory + "/one-page", "wb") as page:
        page.write(b"x" * PAGE)


def check_full(place, ran, what):
    """What holds while there is no room; whether there was enough."""
    text, last = ran.stdout + ran.stderr, (ran.stderr.strip().splitlines() or [""])[-1]
    started = place.trace().count("start") > 1
    check("AddressSanitizer" not in text and "runtime error" not in text, f"a sanitizer speaks: {text}")
    if ran.returncode == 125 and what == "run":
        check(not started, f"125, and it ran: {text}")
        check(last.startswith("safe-rebuild: "), f"no reason: {text}")
        return False
    check(ran.returncode == 0 and started, f"ended with {ran.returncode}: {text}")
    check(OUTPUT in ran.stdout, f"of its output {len(ran.stdout)} bytes are seen: {ran.stderr}")
    recorded = [build["outcome"] for build in place.builds() if build["agent"] == "full"]
    if "not recorded" not in text:
        check(recorded == ["succeeded"], f"recorded as {recorded}, and said: {ran.stderr}")
    return "No space left" not in text and "not recorded" not in text


def check_room(place):
    """What holds when there is room again."""
    before = max([build["build"] for build in place.builds()], default=0)
    fresh = place.run("fresh", "switch", "--flake", ".")
    check(fresh.returncode == 0, f"the next call ended with {fresh.returncode}: {fresh.stderr}")
    builds = place.builds()
    check(builds[0]["agent"] == "fresh" and builds[0]["build"] > before, f"no record of it: {fresh.stderr}")
    trace = place.trace()
    check(trace == ["start", "end"] * (len(trace) // 2), f"two at a time: {trace}")
    place.check_ledger()
    left = os.listdir(place.root + "/run/safe-rebuild/queue")
    check(left == [], f"left in the queue: {left}")


def try_size(place, what, is_new, unit, left):
    """Whether there was enough."""
    directory = place.root + DIRECTORIES[what]
    place.reset()
    with open(place.root + "/output", "w") as output:
        output.write(OUTPUT)
    os.makedirs(directory, exist_ok=True)
    mount(place, directory, is_new)
    try:
        limit(directory, unit, left)
        is_enough = check_full(place, place.run("full", "switch", "--flake", "."), what)
        limit(directory, unit, None)
        check_room(place)
    finally:
        place.kill_runs()
        subprocess.run(["umount", "--lazy", directory], check=True)
    return is_enough


def try_all(place, step):
    tried, failures = 0, 0
    for what, is_new, unit in [(w, n, u) for w in DIRECTORIES for n in (True, False) for u in ("pages", "inodes")]:
        left, enough = 0, 0
        while enough < 3 and left < 600:
            try:
                enough = enough + 1 if try_size(place, what, is_new, unit, left) else 0
            except (Fault, subprocess.TimeoutExpired) as wrong:
                failures += 1
                print(f"{what}, {'new' if is_new else 'in use'}, {left} {unit} left: {wrong}", flush=True)
            tried += 1
            left += step
        check(left < 600, f"{what}: never enough {unit}")
    print(f"{tried} sizes, {failures} of them not held")
    return failures


def main():
    namespace = ["unshare", "--mount", *([] if os.getuid() == 0 else ["--map-root-user"])]
    if not os.environ.get("FULL_INSIDE"):
        if subprocess.run([*namespace, "mount", "-t", "tmpfs", "none", "/mnt"], stderr=subprocess.DEVNULL).returncode:
            sys.exit(77)  # no mount namespaces here
        os.environ["FULL_INSIDE"] = "1"
        os.execvp("unshare", [*namespace, sys.executable, *sys.argv])
    place = Place(os.path.realpath(sys.argv[1]))
    if not try_all(place, int(sys.argv[2]) if len(sys.argv) > 2 else 1):
        shutil.rmtree(place.base)
    else:
        sys.exit(1)


if __name__ == "__main__":
    main()
