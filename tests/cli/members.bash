# A root that is shared with the group users. Members are uid 12345 and 12346 in it; no account is
# made for them.

prepare() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	cp "$SAFE_REBUILD" "$ROOT/safe-rebuild"
	SAFE_REBUILD=$ROOT/safe-rebuild
	chmod 777 "$ROOT" "$ROOT/run" "$ROOT/home"
	printf '[access]\ngroup = users\n' >>"$SAFE_REBUILD_SETTINGS"
	make_repository
	cd "$CONFIG" || return
	# shellcheck disable=SC2016
	export DOUBLE='[ -z "$HOLD" ] || { touch "$ROOT/started"; while [ ! -e "$ROOT/go" ]; do sleep 0.02; done; }'
	sed -i '/arguments/d' "$ROOT/double"
}

# as UID WORDS ...: a member calls; "other" is in no group.
as() {
	local uid=$1 groups=(--groups users)
	shift
	if [ "$uid" = other ]; then
		uid=12399
		groups=(--clear-groups)
	fi
	setpriv --reuid "$uid" --regid "$uid" "${groups[@]}" "$SAFE_REBUILD" "$@"
}

# as_member WORDS ...: any command, by one of them.
as_member() {
	setpriv --reuid 12345 --regid 12345 --groups users "$@"
}
