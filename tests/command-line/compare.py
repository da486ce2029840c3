#!/usr/bin/env python3
"""compare.py WORDS CORPUS [COUNT [SEED]]: command lines as Python's argparse takes them apart, from the table of
nixos-rebuild-ng's options, beside what WORDS (the executable of words.c) makes of them.

Played are the lines of CORPUS and COUNT random ones. Where argparse accepts a line, both must see the same; where it
does not, nixos-rebuild says so itself, and WORDS must only come to an end.
"""

import argparse
import random
import subprocess
import sys

ACTIONS = ("switch boot test build edit repl dry-build dry-run dry-activate build-vm build-vm-with-bootloader "
           "build-image list-generations").split()
# Names and number of values; "?": perhaps one, "+": may be repeated.
OPTIONS = """
--help -h 0
--verbose -v 0
--debug 0
--quiet 0
--max-jobs -j 1
--cores 1
--log-format 1
--keep-going -k 0
--keep-failed -K 0
--fallback 0
--repair 0
--option 2+
--builders 1
--include -I 1+
--print-build-logs -L 0
--show-trace 0
--no-build-output -Q 0
--no-link 0
--offline --no-net 0
--accept-flake-config 0
--refresh 0
--impure 0
--recreate-lock-file 0
--no-update-lock-file 0
--no-write-lock-file 0
--no-registries 0
--commit-lock-file 0
--update-input 1+
--override-input 2+
--use-substitutes --substitute-on-destination -s 0
--file -f 1
--attr -A 1
--flake -F ?
--install-bootloader 0
--install-grub 0
--profile-name -p 1
--specialisation -c 1
--rollback 0
--store-path 1
--upgrade 0
--upgrade-all 0
--json 0
--sudo 0
--ask-sudo-password 0
--ask-elevate-password -S 0
--elevate 1
--use-remote-sudo 0
--no-ssh-tty 0
--no-reexec 0
--fast 0
--no-build-nix 0
--build-host 1
--target-host 1
--image-variant 1
--diff 0
"""
VALUES = ["x", ".", ".#host", "/etc/nixos#a", "", "-", "-1", "-.5", "a b", "-x y", "switch", "boot", "a=b", "root@web1"]
# Before 3.13, which nixpkgs has, Python left the "=" in the value of an option in a cluster.
CLUSTER_ENDS = ["", "", "4", ".#h"] + (["=x"] if sys.version_info >= (3, 13) else [])
IMPURE = {"impure", "refresh", "upgrade", "upgrade_all", "update_input", "override_input", "option",
          "recreate_lock_file"}
COMPARED = ["file", "attr", "profile_name", "target_host", "store_path", "specialisation", "elevate"]


class Refused(Exception):
    pass


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Refused(message)


def make_parser():
    parser = Parser(add_help=False, allow_abbrev=False)
    for line in OPTIONS.split("\n"):
        *names, values = line.split() or [None]
        if not names:
            continue
        if values == "0":
            parser.add_argument(*names, action="count", default=0)
        elif values == "?":
            parser.add_argument(*names, nargs="?", const=".", dest="flake")
        elif values.startswith("1"):
            parser.add_argument(*names, action="append" if "+" in values else "store")
        else:
            parser.add_argument(*names, nargs=2, action="append")
    parser.add_argument("--no-flake", dest="flake", action="store_const", const=None)
    parser.add_argument("action", nargs="?", choices=ACTIONS)
    return parser


def expected(parser, words):
    found = vars(parser.parse_args(words))
    lines = {"action": found["action"], "flake": found["flake"],
             "action_known": "yes",
             "sudo": "yes" if found["sudo"] or found["use_remote_sudo"] else None,
             "asks_password": "yes" if found["ask_sudo_password"] or found["ask_elevate_password"] else None,
             "rollback": "yes" if found["rollback"] else None,
             "help": "yes" if found["help"] else None,
             "include": "|".join(found["include"]) if found["include"] else None}
    lines.update({key: found[key] for key in COMPARED})
    # More is taken for impure than is: a flag that is spelled as a value of another option.
    lines["impure"] = "yes" if any(found[key] for key in IMPURE) else None
    return lines


def parse_answer(line):
    answer = {}
    for field in line.rstrip("\n").split("\t"):
        key, _, value = field.partition("=")
        if key == "include" and "include" in answer:
            value = answer["include"] + "|" + value
        if key:
            answer[key] = value
    return answer


def random_words(rnd):
    names = [word for line in OPTIONS.split("\n") for word in line.split()[:-1]] + ["--no-flake", "--frobnicate", "--"]
    short = [name[1] for name in names if len(name) == 2 and name != "--"]
    words = []
    for _ in range(rnd.randint(0, 7)):
        kind = rnd.random()
        if kind < 0.35:
            words.append(rnd.choice(names))
        elif kind < 0.5:
            words.append(rnd.choice(names) + "=" + rnd.choice(VALUES))
        elif kind < 0.62:
            words.append("-" + "".join(rnd.choice(short) for _ in range(rnd.randint(1, 3))) + rnd.choice(CLUSTER_ENDS))
        elif kind < 0.82:
            words.append(rnd.choice(VALUES))
        else:
            words.append(rnd.choice(ACTIONS))
    return words


def main():
    printer, corpus = sys.argv[1:3]
    count, seed = (int(word) for word in (sys.argv[3:5] + ["20000", "1"][len(sys.argv[3:5]):]))
    rnd, parser = random.Random(seed), make_parser()
    lines = [line.rstrip("\n").split("\t") for line in open(corpus) if not line.startswith("#")]
    lines += [random_words(rnd) for _ in range(count)]
    lines = [words for words in lines if words]
    done = subprocess.run([printer], input="".join("\t".join(words) + "\n" for words in lines),
                          stdout=subprocess.PIPE, text=True, check=True)
    accepted, wrong = 0, 0
    for words, line in zip(lines, done.stdout.splitlines(), strict=True):
        try:
            wanted = expected(parser, words)
        except Refused:
            continue
        accepted += 1
        answer = parse_answer(line)
        for key, value in wanted.items():
            if answer.get(key) != value and not (key == "impure" and answer.get(key)):
                print(f"{words}: {key} is {answer.get(key)!r}, argparse says {value!r}")
                wrong += 1
    print(f"{len(lines)} command lines, {accepted} of them accepted by argparse, {wrong} differences")
    sys.exit(wrong > 0 or accepted < len(lines) / 20)


if __name__ == "__main__":
    main()
