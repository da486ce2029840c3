#!/usr/bin/env bash
# help-and-man.sh SOURCE_ROOT PROGRAM: --help and the manual pages name the same options,
# commands and settings, and every exit status and variable has its entry.
set -euo pipefail

page=$1/man/safe-rebuild.8.scd
settings_page=$1/man/safe-rebuild.ini.5.scd
help=$("$2" --help)
failed=0

same() {
	if [ "$2" != "$3" ]; then
		printf '%s differ.\nin the one:\n%s\nin the other:\n%s\n\n' "$1" "$2" "$3"
		failed=1
	fi
}

section() {
	awk -v name="# $2" '$0 == name { on = 1; next } /^# / { on = 0 } on' "$1"
}

# Entries of a section: lines such as *--agent* _NAME_ at the margin.
entries() {
	section "$1" "$2" | sed -n 's/^\*\(\(--\)\{0,1\}[a-z][a-z-]*\)\*.*/\1/p' | sort
}

help_block() {
	awk -v name="$1:" '$0 == name { on = 1; next } /^$/ { on = 0 } on { print $1 }' <<<"$help" | sort
}

same "options of --help and safe-rebuild(8)" "$(help_block Options)" "$(entries "$page" OPTIONS)"
same "commands of --help and safe-rebuild(8)" "$(help_block Commands)" "$(entries "$page" COMMANDS)"

same "variables of the sources and safe-rebuild(8)" \
	"$(grep -orh '"SAFE_REBUILD_[A-Z_]*"' "$1/src" | tr -d '"' | sort -u)" \
	"$(section "$page" ENVIRONMENT | sed 's/\\_/_/g' | grep -o 'SAFE_REBUILD_[A-Z_]*' | sort -u)"

same "keys of settings.c and safe-rebuild.ini(5)" \
	"$(sed -n 's/^\tKEY("\([a-z]*\)", "\([a-z-]*\)".*/\1 \2/p' "$1/src/settings/settings.c" | sort)" \
	"$(awk '/^## \[/ { gsub(/[^a-z]/, ""); s = $0 } /^\*[a-z-]*\* =/ { split($0, p, "*"); print s " " p[2] }' \
		"$settings_page" | sort)"

same "exit statuses of message.h and safe-rebuild(8)" \
	"$(sed -n 's/^\tEXIT_[A-Z_]* = \([0-9]*\),/\1/p' "$1/src/base/message.h" | sort -n)" \
	"$(section "$page" "EXIT STATUS" | sed -n 's/^\*\([0-9]*\).*/\1/p' | sort -n)"
exit $failed
