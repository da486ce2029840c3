#!/usr/bin/env python3
"""storm.py PROGRAM KILLS [SEED]: agents switch, build, attach, look and cancel at once, and ever
again one of our processes is killed, whichever it is. Held after each round:

- one nixos-rebuild at a time, and each that has begun has one record at most;
- no number is given twice, and the queue is empty;
- a fresh call succeeds within seconds, under a higher number;
- git finds nothing wrong with the ledger, and nothing crashes.
"""

import contextlib
import os
import random
import shutil
import subprocess
import sys
import time

from place import Fault, Place, check

CALLS = [["switch"], ["switch"], ["switch"], ["build"], ["test"], ["attach"], ["diff"], ["status"], ["log"],
         ["cancel", "@a1"], ["exec", "--", "true"], ["rollback"]]


def start(place, rnd, number):
    words = list(rnd.choice(CALLS))
    if words[0] in ("switch", "build", "test", "diff"):
        words += ["--flake", ".", "--show-trace"][:rnd.choice([2, 3])]
    return subprocess.Popen([place.program, "--agent", f"a{number % 5}", *words], cwd=place.config, env=place.env,
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            start_new_session=True)


def storm(place, rnd, number, kills):
    """One round; how many were killed."""
    calls = [start(place, rnd, number + i) for i in range(5)]
    killed = 0
    if rnd.random() < 0.5:
        place.hold()
    while killed < kills and any(call.poll() is None for call in calls):
        time.sleep(rnd.random() * 0.03)
        alive = place.processes()
        pid = rnd.choice(alive) if alive else 0
        # What was ours a moment ago may have become nixos-rebuild, which is nobody's to kill.
        with contextlib.suppress(OSError), open(f"/proc/{pid}/comm") as comm:
            if comm.read().strip() == os.path.basename(place.program)[:15]:
                os.kill(pid, 9)
                killed += 1
        if rnd.random() < 0.1:
            place.let_go()
        if rnd.random() < 0.3:
            calls.append(start(place, rnd, number + len(calls)))
    place.let_go()
    for call in calls:
        text = call.communicate(timeout=60)[1].decode(errors="replace")
        check("AddressSanitizer" not in text and "runtime error" not in text, f"a sanitizer speaks: {text}")
    return killed


def wait_for_runners(place):
    """What a killed caller has left goes on for a while, and the tickets of those that die still live: the
    next call would rightly leave them to the one after it."""
    for _ in range(400):
        if not place.processes(os.path.basename(place.program), "nixos-rebuild") and not place.has_living_tickets():
            return
        time.sleep(0.05)
    raise Fault("some never end")


def tell(place):
    """The end of the trace, with what became of each process, and of the ledger."""
    with open(place.root + "/trace") as trace:
        lines = trace.read().split("\n")[-8:]
    alive = [line for line in lines if line and os.path.exists(f"/proc/{line.split()[1]}")]
    builds = [(build["build"], build["agent"], build["action"], build["outcome"], build.get("cancelled_by"))
              for build in place.builds()[:6]]
    return f"{lines}, alive: {alive}, builds: {builds}"


def check_round(place, highest):
    wait_for_runners(place)
    with open(place.config + "/flake.nix", "a") as flake:
        flake.write("# more\n")
    fresh = place.run("fresh", "switch", "--flake", ".", timeout=20)
    check(fresh.returncode == 0, f"the next call ended with {fresh.returncode}: {fresh.stderr}")
    trace = place.trace()
    check(trace == ["start", "end"] * (len(trace) // 2), f"two at a time: {tell(place)}")
    builds = place.builds()
    numbers = [build["build"] for build in builds]
    check(len(numbers) == len(set(numbers)), f"a number stands twice: {numbers}")
    check(any(build["agent"] == "fresh" and build["build"] > highest for build in builds),
          f"the next call has no record: {fresh.stderr}")
    started = [build for build in builds if build["action"] in ("switch", "test")]
    check(len(started) >= min(trace.count("start"), 900), f"{trace.count('start')} began, {len(started)} are recorded")
    queue = place.root + "/run/safe-rebuild/queue"
    for left in os.listdir(queue):
        with open(f"{queue}/{left}") as ticket:
            raise Fault(f"left in the queue: {left}: {ticket.read()}, {tell(place)}")
    return max(numbers)


def main():
    program, kills = os.path.realpath(sys.argv[1]), int(sys.argv[2])
    rnd = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    place, done, rounds, failures, highest = Place(program), 0, 0, 0, 0
    while done < kills:
        rounds += 1
        try:
            # A ledger of some hundred builds is as good as one of thousands, and quicker to check.
            if rounds % 40 == 0:
                place.reset()
                highest = 0
            done += storm(place, rnd, rounds * 100, min(20, kills - done))
            highest = check_round(place, highest)
            if rounds % 10 == 0:
                place.check_ledger()
        except (Fault, subprocess.TimeoutExpired) as wrong:
            failures += 1
            print(f"round {rounds}: {wrong}", flush=True)
            place.kill_runs()
            place.reset()
            highest = 0
    print(f"{done} kills in {rounds} rounds, {failures} of them not held")
    if not failures:
        shutil.rmtree(place.base)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
