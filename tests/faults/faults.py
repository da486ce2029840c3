#!/usr/bin/env python3
"""faults.py PROGRAM TRACER [STEP [SCENARIO] | SCENARIO CALL FAULT N]: one fault at a time, at the n-th system call of a kind that
any process of a call makes, for every STEP-th n (1: all; above 100 also of every twelfth kind only), or that one. Held, whatever fails:

- one nixos-rebuild at a time, and each that has begun has one record, or its call said that
  it has none;
- what ends with 0 has done what it says, and a last line never claims more;
- nobody is stuck: a call after it works within seconds, under a higher number;
- git finds nothing wrong with the ledger; nothing crashes; nothing is left behind.
"""

import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile

from place import Fault, Place, check

program, tracer = os.path.realpath(sys.argv[1]), os.path.realpath(sys.argv[2])
step = int(sys.argv[3]) if len(sys.argv) in (4, 5) else 1
place = None  # of this worker

FAULTS = [
    ("all", "kill"), ("rename", "kill"), ("unlink", "kill"), ("linkat", "kill"), ("ftruncate", "kill"),
    ("openat", "EMFILE"), ("openat", "EIO"), ("openat", "EACCES"), ("openat2", "ENOSYS"),
    ("openat2", "EMFILE"), ("read", "EIO"), ("write", "ENOSPC"), ("write", "EIO"),
    ("pwrite64", "ENOSPC"), ("fsync", "EIO"), ("fdatasync", "EIO"), ("rename", "ENOSPC"),
    ("rename", "EIO"), ("linkat", "EIO"), ("link", "EIO"), ("unlink", "EIO"),
    ("mkdir", "ENOSPC"), ("flock", "ENOLCK"), ("flock", "EINTR"), ("ftruncate", "EIO"),
    ("newfstatat", "EIO"), ("newfstatat", "EACCES"), ("readlink", "EACCES"),
    ("getdents64", "EIO"), ("mmap", "ENOMEM"), ("clone", "EAGAIN"), ("clone", "ENOMEM"),
    ("pipe2", "EMFILE"), ("socketpair", "EMFILE"), ("sendmsg", "ENOBUFS"),
    ("sendmsg", "ENOMEM"), ("recvmsg", "ENOMEM"), ("poll", "EINTR"), ("poll", "ENOMEM"),
    ("signalfd4", "EMFILE"), ("pidfd_open", "EPERM"), ("pidfd_open", "EMFILE"),
    ("wait4", "EINTR"), ("memfd_create", "ENOSYS"), ("inotify_init1", "EMFILE"),
    ("setsid", "EPERM"), ("fcntl", "EIO"), ("access", "EIO"), ("chmod", "EPERM"),
]

def check_tree(place, build, text):
    """What a snapshot lacks has been said."""
    if build["config_state"] == "none" or "the record lacks" in text or "snapshot" in text:
        return
    files = place.git_ledger("log", "-1", f"--grep=^Build: {build['build']}$", "--format=%T",
                             "refs/heads/builds").stdout.strip()
    listed = place.git_ledger("ls-tree", "--name-only", files).stdout.split()
    check(listed == ["flake.nix"], f"the snapshot has {listed}, and nothing was said: {text}")


def was_last_line_lost(call, text):
    """Where stderr fails, or nothing can be read from the runner, there is none; a log that fails
    with it is told of after it."""
    last = text.strip().splitlines()[-1:] or [""]
    return (call == "write" and "attach" in last[0]) or "cannot be shown here" in text or (
        "switch succeeded" in text and "warning: cannot write the log" in last[0])


def check_after(place, ran, status, call, fault, before):
    """What holds after every fault."""
    text = ran.stdout + ran.stderr
    last = text.strip().splitlines()[-1:] or [""]
    starts = place.trace().count("start")
    if status == 0 and not was_last_line_lost(call, text):
        check("switch succeeded" in last[0], f"status 0, but the last line is: {last[0]}")
    if last[0].startswith("safe-rebuild: switch succeeded"):
        check(starts > before, "it claims a success and nothing was run")
    check("AddressSanitizer" not in text and "runtime error" not in text, "a sanitizer speaks")
    fresh = place.run("fresh", "switch", "--flake", ".", timeout=15)
    check(fresh.returncode == 0, f"the next call ended with {fresh.returncode}: {fresh.stderr}")
    trace = place.trace()
    check(trace == ["start", "end"] * (len(trace) // 2), f"two at a time: {trace}")
    builds = place.builds()
    numbers = [build["build"] for build in builds]
    # In the order of their ends: one that was killed may be recorded after a later one.
    check(len(numbers) == len(set(numbers)) and numbers[0] == max(numbers), f"numbers: {numbers}")
    check(builds[0]["agent"] == "fresh", f"the next call has no record: {fresh.stderr}")
    check(all(build["outcome"] != "running" for build in builds), "one runs for ever")
    unsaid = trace.count("start") - len([b for b in builds if b["outcome"] != "none"])
    if fault != "kill" and "not recorded" not in text:
        check(unsaid <= 0, f"{unsaid} builds without a record, and it was not said: {text}")
    traced = [build for build in builds if build["agent"] == "traced"]
    for build in traced:
        if build["outcome"] == "succeeded":
            check(trace.count("start") > before, "a success is recorded that was none")
        check_tree(place, build, text)
    if status == 0 and "by traced is not recorded" not in text:
        check([build["outcome"] for build in traced] == ["succeeded"], f"it succeeded, and is recorded as {traced}")
    place.check_ledger()
    left = os.listdir(place.root + "/run/safe-rebuild/queue")
    check(left == [], f"left in the queue: {left}")


def scenario_run(place, call, fault, n):
    before = place.trace().count("start")
    ran, status, hit, died = place.traced(tracer, fault, call, n, "switch", "--flake", ".")
    check(all(signal == 9 for signal in died), f"died of a signal: {died}")
    if hit:
        check_after(place, ran, status, call, fault, before)
    return hit


def scenario_waiter(place, call, fault, n):
    holder = place.start_holder()
    with place.released_soon(holder):
        before = place.trace().count("start")
        ran, status, hit, died = place.traced(tracer, fault, call, n, "switch", "--flake", ".")
    check(all(signal == 9 for signal in died), f"died of a signal: {died}")
    check(holder.returncode == 0, f"the holder ended with {holder.returncode}")
    if hit:
        check_after(place, ran, status, call, fault, before)
    return hit


def scenario_orphan(place, call, fault, n):
    """Beside a nixos-rebuild whose run was killed, which ends in a while."""
    holder = place.start_holder()
    place.kill_runs()
    with place.released_soon(holder):
        before = place.trace().count("start")
        ran, status, hit, died = place.traced(tracer, fault, call, n, "switch", "--flake", ".")
    check(all(signal == 9 for signal in died), f"died of a signal: {died}")
    if hit:
        check_after(place, ran, status, call, fault, before)
        builds = [build for build in place.builds() if build["agent"] == "holder"]
        check([build["outcome"] for build in builds] == ["interrupted"], f"the orphan's record: {builds}")
    return hit


def scenario_attach(place, call, fault, n):
    holder = place.start_holder()
    with place.released_soon(holder):
        before = place.trace().count("start")
        ran, status, hit, died = place.traced(tracer, fault, call, n, "attach")
    check(all(signal == 9 for signal in died), f"died of a signal: {died}")
    check(holder.returncode == 0, f"the holder ended with {holder.returncode}")
    check(place.trace().count("start") == before, "attach ran something")
    if hit and fault != "kill" and status == 0:
        check("switch succeeded" in ran.stdout + ran.stderr,
              f"attach: 0 and {ran.stdout!r} {ran.stderr!r}")
    return hit


def scenario_diff(place, call, fault, n):
    ran, status, hit, died = place.traced(tracer, fault, call, n, "diff", "--exit-code", "--flake", ".")
    check(all(signal == 9 for signal in died), f"died of a signal: {died}")
    if hit and fault != "kill" and status == 0:
        check("flake.nix" in ran.stdout or "warning" in ran.stderr or
              "whether a switch" in ran.stdout, f"diff: 0 and {ran.stdout!r} {ran.stderr!r}")
    return hit


SCENARIOS = {"run": scenario_run, "waiter": scenario_waiter, "orphan": scenario_orphan,
             "attach": scenario_attach, "diff": scenario_diff}


def first_n(index, call):
    n = 1 + index % step if step > 1 else 1
    # Those before are the loader's, which crashes without memory.
    return n + 60 if call == "mmap" else n


def try_kind(name, index):
    """One kind of fault in a scenario, at every n of it: how many there were, and what was not held."""
    global place
    place = place or Place(program)
    (call, fault), tried, wrongs = FAULTS[index], 0, []
    n = first_n(index, call)
    while True:
        place.reset()
        try:
            hit = SCENARIOS[name](place, call, fault, n)
        except Fault as wrong:
            hit = "?"
            wrongs.append(f"{name}: {fault} at {call} {n}: {wrong}")
        except subprocess.TimeoutExpired as late:
            hit = "?"
            wrongs.append(f"{name}: {fault} at {call} {n}: stuck: {late.cmd[-3:]}")
            subprocess.run(["pkill", "-KILL", "-f", place.root + "/"])
        if not hit:
            return name, call, fault, tried, wrongs
        tried += 1
        # A run has thousands of calls of every kind, and tens of most.
        n += step if call != "all" or step == 1 else step * 20


def main():
    if subprocess.run([tracer, "/dev/null", "x", "kill", "1", "all", "--", "true"],
                      stderr=subprocess.DEVNULL).returncode:
        sys.exit(77)  # no ptrace(2) here
    if len(sys.argv) == 7:
        name, call, fault, n = sys.argv[3:]
        print("hit:", SCENARIOS[name](Place(program), call, fault, int(n)))
        return
    jobs = [(name, index) for name in sys.argv[4:] or SCENARIOS for index in range(len(FAULTS))
            if step <= 100 or (index + len(name)) % 12 == 0]
    tried, failures, told = 0, 0, {}
    places = tempfile.mkdtemp(prefix="faults.")
    tempfile.tempdir = places
    with concurrent.futures.ProcessPoolExecutor() as pool:
        for done in concurrent.futures.as_completed([pool.submit(try_kind, *job) for job in jobs]):
            name, call, fault, count, wrongs = done.result()
            tried += count
            failures += len(wrongs)
            told[name] = told.get(name, 0) + count
            if step <= 100:
                print(f"{name}: {fault} at {call}: {count} times", flush=True)
            for wrong in wrongs:
                print(wrong, flush=True)
    print(f"{tried} faults {told}, {failures} of them not held")
    if not failures:
        shutil.rmtree(places)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
