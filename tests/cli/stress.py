"""stress.py PROGRAM ROOT CALLERS KILLS BARGERS: see stress.bats.

Checked: no two runs overlap; runs start in the order of their tickets (no caller here comes
back to a kept place); every caller that was not killed has run; nothing is left in the queue.
"""

import os
import random
import re
import signal
import subprocess
import sys
import time

program, root = sys.argv[1], sys.argv[2]
callers, kills, bargers = map(int, sys.argv[3:6])
queue = f"{root}/run/safe-rebuild/queue"
seed = int.from_bytes(os.urandom(4), "big")
random.seed(seed)
print("seed", seed)


def start(agent, *words):
    return subprocess.Popen(
        [program, "--agent", agent, *words, "switch", "--flake", "."],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def runner_of_holder():
    """The runner that some living ticket names, or None."""
    for name in os.listdir(queue):
        try:
            with open(f"{queue}/{name}") as ticket:
                found = re.search(r"^Runner: (\d+) ", ticket.read(), re.M)
        except OSError:
            continue
        if found:
            return int(found.group(1))
    return None


first = start("first")
first.wait()
alive = [start(f"caller{i}") for i in range(callers)]
killed = set()
refused = 0
for i in range(kills):
    time.sleep(random.random() * 0.05)
    if i % 6 == 5:
        # A runner: its build is lost, its caller with it, the others go on.
        runner = runner_of_holder()
        if runner:
            try:
                os.kill(runner, signal.SIGKILL)
            except ProcessLookupError:
                pass
        continue
    victim = random.choice(alive)
    victim.kill()
    killed.add(victim.pid)
    if i * bargers // kills != (i - 1) * bargers // kills:
        refused += start(f"barger{i}", "--no-wait").wait(60) == 75

deadline = time.time() + 200
for process in alive:
    process.wait(max(1, deadline - time.time()))
last = start("last")
assert last.wait(60) == 0, "the last caller did not succeed"

running, order = None, []
for line in open(f"{root}/trace"):
    word, ticket = line.split()
    if word == "start":
        assert running is None, f"{ticket} started while {running} ran"
        running = ticket
        order.append(ticket)
    else:
        assert running == ticket, f"{ticket} ended while {running} ran"
        running = None
assert order == sorted(order), "not in the order of arrival"
lost = [p for p in alive if p.returncode not in (0, 125) and p.pid not in killed]
assert not lost, f"callers that failed: {[p.returncode for p in lost]}"
print(f"{len(order)} runs in order, {len(killed)} fronts killed, {refused} bargers refused")
left = os.listdir(queue)
assert not left, f"left in the queue: {left}"
