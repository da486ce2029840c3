#!/usr/bin/env bash
# release.sh SOURCE_ROOT PROGRAM: the release build compiles without a warning (its optimiser sees
# more than the development build's), is hardened, and installs what a packager expects.
set -euo pipefail

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
meson setup "$directory/build" "$1" -Dtests=disabled >"$directory/log" || { cat "$directory/log"; exit 1; }
ninja -C "$directory/build" >"$directory/log" || { cat "$directory/log"; exit 1; }
failed=0
complain() {
	echo "$1"
	failed=1
}
! grep -A5 "warning:" "$directory/log" || failed=1

program=$directory/build/src/safe-rebuild
headers=$(readelf -lWd "$program")
grep -q GNU_RELRO <<<"$headers" || complain "no RELRO"
grep -qE "BIND_NOW|Flags:.*NOW" <<<"$headers" || complain "not BIND_NOW"
grep -q "Flags:.*PIE" <<<"$headers" || complain "no PIE"
grep -qE "GNU_STACK .* RW " <<<"$headers" || complain "an executable stack"
symbols=$(readelf -sW "$program")
grep -q "__[a-z]*_chk@" <<<"$symbols" || complain "no FORTIFY_SOURCE"
grep -q "__stack_chk_fail" <<<"$symbols" || complain "no stack protector"

DESTDIR=$directory/root meson install -C "$directory/build" >/dev/null
for file in bin/safe-rebuild share/man/man8/safe-rebuild.8 share/man/man5/safe-rebuild.ini.5 \
	share/man/man5/safe-rebuild-ledger.5 share/man/man7/safe-rebuild-agents.7 \
	share/bash-completion/completions/safe-rebuild share/zsh/site-functions/_safe-rebuild \
	share/fish/vendor_completions.d/safe-rebuild.fish lib/sysusers.d/safe-rebuild.conf \
	lib/tmpfiles.d/safe-rebuild.conf; do
	[ -e "$directory/root/usr/local/$file" ] || complain "not installed: $file"
done
grep -q "^d /run/safe-rebuild/queue 3770 safe-rebuild wheel -$" "$directory/root/usr/local/lib/tmpfiles.d/safe-rebuild.conf" ||
	complain "tmpfiles.d names no group"
exit $failed
