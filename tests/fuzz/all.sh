#!/usr/bin/env bash
# all.sh FUZZ SOURCE COUNT: each target reads its corpus, and COUNT changes of it.
set -euo pipefail

fuzz=$1
corpus=$(dirname "$2")/corpus
for target in "$corpus"/*; do
	name=$(basename "$target")
	for words in "" "--mutate $3 1"; do
		# shellcheck disable=SC2086 # They are words.
		"$fuzz" "$name" $words "$target"/* >fuzz.out 2>fuzz.err || {
			echo "$name $words: exit status $?"
			tail -n 40 fuzz.err
			exit 1
		}
	done
	echo "$name: held"
done
rm -f fuzz.out fuzz.err
