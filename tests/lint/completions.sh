#!/usr/bin/env bash
# completions.sh SOURCE_ROOT PROGRAM: the three completions know every command and option that
# --help names, and no other option; each is read by its shell where that is installed.
set -euo pipefail

directory=$1/src/completions
failed=0
commands=$("$2" --help | awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }')
options=$({
	"$2" --help
	for command in $commands; do "$2" "$command" --help; done
} | grep -oE -e '--[a-z][a-z-]+' | sort -u)

complain() {
	echo "$1"
	failed=1
}

for file in safe-rebuild.bash _safe-rebuild safe-rebuild.fish; do
	text=$(sed 's/ -l \([a-z]\)/ --\1/g' "$directory/$file")
	for word in $commands $options; do
		grep -qE -e "(^|[^a-z-])$word([^a-z-]|$)" <<<"$text" || complain "$file: lacks $word"
	done
done
# fish and bash list our own apart from nixos-rebuild's.
known=" $(tr '\n' ' ' <<<"$options") --help --version "
for word in $(sed -n '/^complete/p' "$directory/safe-rebuild.fish" | grep -v '[$]nixos' | grep -oE -e ' -l [a-z-]+' | sed 's/ -l /--/' | sort -u) \
	$(sed -n '/local options=/p; /options+=. *--/p' "$directory/safe-rebuild.bash" | grep -oE -e '--[a-z-]+' | sort -u); do
	case $known in *" $word "*) ;; *) complain "completions: no command has $word" ;; esac
done
# nixos-rebuild's own, as bash lists them, are the same in all three.
nixos=$(sed -n "s/.*local nixos='\(.*\)'.*/\1/p" "$directory/safe-rebuild.bash")
for word in $nixos; do
	grep -qE -e "(^|[^a-z-])$word([^a-z-]|$)" "$directory/_safe-rebuild" || complain "_safe-rebuild: lacks $word"
	grep -qE -e "(^|[ -])${word#--}([^a-z-]|$)" "$directory/safe-rebuild.fish" || complain "safe-rebuild.fish: lacks $word"
done
for shell in bash zsh fish; do
	command -v "$shell" >/dev/null || continue
	case $shell in bash) file=safe-rebuild.bash ;; zsh) file=_safe-rebuild ;; fish) file=safe-rebuild.fish ;; esac
	"$shell" -n "$directory/$file" || complain "$file: $shell cannot read it"
done
exit $failed
