# What agents' hooks are answered: commands, news, edits.
load helpers

prepare() {
	make_repository
	cd "$CONFIG"
	export XDG_CACHE_HOME=$ROOT/cache
	mkdir -p "$XDG_CACHE_HOME"
}

# event VENDOR JSON: the answer to it.
event() {
	run --separate-stderr sr hook "$1" <<<"$2"
	assert_equal "$status" 0
}

answer() {
	python3 -c 'import json, sys; print(eval(sys.argv[1], {"a": json.loads(sys.argv[2])["hookSpecificOutput"]}))' \
		"$1" "$output"
}

@test "Claude Code: a bare nixos-rebuild becomes safe-rebuild, all else of the call stays" {
	event claude '{"session_id": "3f2a9c1e-1111-4111-8111-111111111111", "hook_event_name": "PreToolUse",
		"tool_name": "Bash", "tool_input": {"command": "sudo nixos-rebuild switch --flake .#box 2>&1 | tail",
		"description": "Add nginx; it'"'"'s new", "timeout": 120000, "run_in_background": false}}'
	assert_equal "$(answer 'a["updatedInput"]["command"]')" \
		"sudo safe-rebuild switch --message 'Add nginx; it’s new' --flake .#box 2>&1 | tail"
	assert_equal "$(answer 'sorted(a["updatedInput"].items())[2:]')" \
		"[('run_in_background', False), ('timeout', 600000)]"
	assert_equal "$(answer 'a["hookEventName"], a.get("permissionDecision")')" "('PreToolUse', None)"
}

@test "Codex and Gemini are answered as they understand it" {
	event codex '{"session_id": "0199b2c4-0000-7000-8000-0123456789ab", "hook_event_name": "PreToolUse",
		"tool_name": "Bash", "tool_input": {"command": "nixos-rebuild test"}}'
	assert_equal "$(answer 'a["updatedInput"], a["permissionDecision"]')" "({'command': 'safe-rebuild test'}, 'allow')"
	event gemini '{"session_id": "0199b2c4-0000-4000-8000-0123456789ab", "hook_event_name": "BeforeTool",
		"tool_name": "run_shell_command", "tool_input": {"command": "nixos-rebuild test", "description": "try"}}'
	assert_equal "$(answer 'a["tool_input"]["command"]')" "safe-rebuild test --agent gemini-0199b2c4 --message 'try'"
}

@test "a subagent's commands carry its own name" {
	event claude '{"session_id": "3f2a9c1e-1111-4111-8111-111111111111", "agent_id": "aworker-1-a1b2c3",
		"hook_event_name": "PreToolUse", "tool_name": "Bash",
		"tool_input": {"command": "safe-rebuild diff && nixos-rebuild switch"}}'
	assert_equal "$(answer 'a["updatedInput"]["command"]')" \
		"safe-rebuild diff --agent claude-code-3f2a9c1e.a1b2c3 && safe-rebuild switch --agent claude-code-3f2a9c1e.a1b2c3"
}

@test "what it has nothing to say to, and rubbish, is never in the way" {
	local json
	for json in '{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "ls"}}' \
		'{"hook_event_name": "PreToolUse", "tool_name": "Read", "tool_input": {"file_path": "/x"}}' \
		'{"hook_event_name": "PreToolUse", "tool_name": "Bash"}' \
		'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": 7}}' \
		'{"hook_event_name": "PostToolUse", "tool_name": "Write", "tool_input": []}' \
		'{"hook_event_name": "UserPromptSubmit", "session_id": "../../../etc/passwd"}'; do
		event claude "$json"
		assert_equal "$output$stderr" ""
	done
	for json in '' '{' '[]' 'null' '{"hook_event_name": "Stop"}' '{"hook_event_name": 3}' $'{"hook_event_name": "\xff"}'; do
		event claude "$json"
		assert_equal "$output" ""
		assert_like "$stderr" "safe-rebuild: hook: *"
		assert_equal "${#stderr_lines[@]}" 1
	done
	run --separate-stderr sr hook claude < <(head -c 20000000 /dev/zero)
	assert_equal "$status" 0
	assert_contains "$stderr" "hook: cannot read the event"
	run -64 sr hook nobody </dev/null
}

@test "news: what others have built since this session looked last, once" {
	sr --agent alpha --message "nginx for the wiki" switch --flake . 2>/dev/null
	local prompt='{"hook_event_name": "UserPromptSubmit", "session_id": "3f2a9c1e-1111-4111-8111-111111111111"}'
	event claude "$prompt" # the first look: whatever was built since the session began
	event claude "$prompt"
	assert_equal "$output" ""
	sr --agent alpha --message "nginx again" switch --flake . 2>/dev/null
	sr --agent claude-code-3f2a9c1e switch --flake . 2>/dev/null
	event claude "$prompt"
	assert_contains "$(answer 'a["additionalContext"]')" '- build 2 by alpha: switch succeeded'
	assert_contains "$(answer 'a["additionalContext"]')" '"nginx again"'
	refute_contains "$output" "build 3"
	event claude "$prompt"
	assert_equal "$output" ""
	# another session has its own eyes, and never more than ten lines
	local i
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sr --agent beta switch --flake . 2>/dev/null; done
	event codex '{"hook_event_name": "SessionStart", "session_id": "0199b2c4-0000-7000-8000-0123456789ab"}'
	event claude "$prompt"
	assert_equal "$(answer 'a["additionalContext"]' | wc -l)" 10
	assert_contains "$(answer 'a["additionalContext"]')" "- and 5 builds before these"
}

@test "news: what changed nothing is none; what runs, a pause, and whose work went are told" {
	# shellcheck disable=SC2016
	export DOUBLE='case $* in *switch*)
		made=$ROOT/systems/$(cat *.txt flake.nix 2>/dev/null | sha1sum | cut -c1-12)
		mkdir -p "$made" "$ROOT/nix/var/nix/profiles"
		ln -sfn "$made" "$ROOT/nix/var/nix/profiles/system"
		ln -sfn "$made" "$ROOT/run/current-system" ;;
		esac'
	sr --agent alpha switch --flake . 2>/dev/null
	local prompt='{"hook_event_name": "UserPromptSubmit", "session_id": "3f2a9c1e-1111-4111-8111-111111111111"}'
	event claude "$prompt"
	sr --agent alpha build --flake . 2>/dev/null
	sr --agent alpha dry-build --flake . 2>/dev/null
	sr --agent alpha exec -- true 2>/dev/null
	DOUBLE= sr --agent alpha switch --flake . --target-host h 2>/dev/null
	event claude "$prompt"
	assert_equal "$output" ""
	echo 'a' >own.txt
	git add own.txt
	sr --agent claude-code-3f2a9c1e switch --flake . 2>/dev/null
	git rm -qf own.txt
	sr --agent beta --allow-undo 6 switch --flake . 2>/dev/null
	event claude "$prompt"
	assert_contains "$(answer 'a["additionalContext"]')" "took back 6 (--allow-undo)"
	assert_contains "$(answer 'a["additionalContext"]')" " - that was your build 6"
	# shellcheck disable=SC2016
	DOUBLE=$DOUBLE'; touch "$ROOT/started"; while [ ! -e "$ROOT/go" ]; do sleep 0.05; done' \
		"$SAFE_REBUILD" --agent beta switch --flake . >/dev/null 2>&1 &
	wait_for test -e "$ROOT/started"
	event claude "$prompt"
	assert_equal "$(answer 'a["additionalContext"]')" "Build 8 by beta (switch) is running: yours would wait."
	touch "$ROOT/go"
	wait
	sr pause --message "moving the database" 2>/dev/null
	local i
	for i in 1 2 3 4 5 6 7 8 9; do SAFE_REBUILD_AGENT= sr exec -- true 2>/dev/null || true; done
	event claude "$prompt"
	assert_like "$(answer 'a["additionalContext"]' | head -1)" "Rebuilds of this machine are paused*moving the database*"
	event claude "$prompt"
	assert_equal "$(answer 'a["additionalContext"]' | wc -l)" 1
}

@test "an agent that has been given a name has it in its hooks, too" {
	sr --agent mybot switch --flake . 2>/dev/null
	export SAFE_REBUILD_AGENT=mybot
	event claude '{"hook_event_name": "SessionStart", "session_id": "3f2a9c1e-1111-4111-8111-111111111111"}'
	assert_equal "$output" ""
	event claude '{"hook_event_name": "PostToolUse", "session_id": "3f2a9c1e-1111-4111-8111-111111111111",
		"tool_name": "Edit", "tool_input": {"file_path": "'"$CONFIG"'/flake.nix"}}'
	grep -rq "mybot $CONFIG/flake.nix" "$STATE/edits"
	event claude '{"session_id": "3f2a9c1e-1111-4111-8111-111111111111", "agent_id": "aworker-1-a1b2c3",
		"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "nixos-rebuild switch"}}'
	assert_equal "$(answer 'a["updatedInput"]["command"]')" "safe-rebuild switch --agent mybot.a1b2c3"
}

@test "edits by other names of the same file" {
	sr --agent alpha switch --flake . 2>/dev/null
	ln -s "$CONFIG" "$ROOT/link"
	mkdir sub
	local path
	for path in "$ROOT/link/one.nix" ./two.nix sub/../three.nix; do
		event claude '{"hook_event_name": "PostToolUse", "session_id": "3f2a9c1e-1111-4111-8111-111111111111",
			"cwd": "'"$CONFIG"'", "tool_name": "Edit", "tool_input": {"file_path": "'"$path"'"}}'
	done
	event codex '{"session_id": "0199b2c4-0000-4000-8000-0123456789ab", "hook_event_name": "PostToolUse",
		"tool_name": "apply_patch", "cwd": "'"$ROOT"'/link/sub",
		"tool_input": {"command": "*** Begin Patch\r\n*** Update File: ../four.nix\r\n*** End Patch"}}'
	for path in one two three four; do
		grep -rq " $CONFIG/$path.nix\$" "$STATE/edits"
	done
	# nobody waits for who holds the file
	flock "$STATE"/edits/* sleep 30 &
	holder=$!
	sleep 0.2
	SECONDS=0
	event claude '{"hook_event_name": "PostToolUse", "session_id": "3f2a9c1e-1111-4111-8111-111111111111",
		"tool_name": "Edit", "tool_input": {"file_path": "'"$CONFIG"'/five.nix"}}'
	[ "$SECONDS" -le 5 ]
	assert_contains "$stderr" "hook: cannot note the edit of"
	kill "$holder"
}

@test "wrong settings do not let a bare nixos-rebuild through" {
	echo "[nonsense" >>"$SAFE_REBUILD_SETTINGS"
	event claude '{"session_id": "3f2a9c1e-1111-4111-8111-111111111111", "hook_event_name": "PreToolUse",
		"tool_name": "Bash", "tool_input": {"command": "nixos-rebuild switch"}}'
	assert_equal "$(answer 'a["updatedInput"]["command"]')" "safe-rebuild switch"
	event claude '{"hook_event_name": "SessionStart", "session_id": "x"}'
	assert_equal "$output" ""
}

@test "edits: diff names the agent that edited a file, in a known configuration only" {
	sr --agent alpha switch --flake . 2>/dev/null
	echo '{ a = 1; }' >web.nix
	git add web.nix
	local edit='{"hook_event_name": "PostToolUse", "session_id": "3f2a9c1e-1111-4111-8111-111111111111", "tool_name": "Edit",
		"tool_input": {"file_path": "%s"}}'
	# shellcheck disable=SC2059
	event claude "$(printf "$edit" "$CONFIG/web.nix")"
	assert_equal "$output$stderr" ""
	# shellcheck disable=SC2059
	event claude "$(printf "$edit" "$ROOT/elsewhere.nix")"
	run sr --agent alpha diff
	assert_like "$output" "A web.nix +1, uncommitted, claude-code-3f2a9c1e edited it *"
	refute grep -rq elsewhere "$STATE/edits"
	run sr status
	assert_contains "$output" "claude-code-3f2a9c1e edited it"
}

@test "without a ledger, a home or permission it is silent" {
	event claude '{"hook_event_name": "SessionStart", "session_id": "x"}'
	assert_equal "$output$stderr" ""
	sr --agent alpha switch --flake . 2>/dev/null
	export XDG_CACHE_HOME=/proc/nowhere
	event claude '{"hook_event_name": "SessionStart", "session_id": "x"}'
	assert_equal "$stderr" ""
	unset HOME XDG_CACHE_HOME
	export XDG_RUNTIME_DIR=$ROOT/runtime
	mkdir "$XDG_RUNTIME_DIR"
	event claude '{"hook_event_name": "SessionStart", "session_id": "x"}'
	[ -e "$XDG_RUNTIME_DIR/safe-rebuild/claude-code-x" ]
	unset XDG_RUNTIME_DIR
	event claude '{"hook_event_name": "SessionStart", "session_id": "x"}'
	assert_equal "$output$stderr" ""
}

@test "subagents of Codex are told apart, as their shells tell them apart" {
	for id in 01a20f65-7691-70b3-8000-000011112222 01a20f65-80db-71a1-8000-000033334444; do
		event codex '{"session_id": "01a20f65-0000-7000-8000-000078147240", "agent_id": "'$id'",
			"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "nixos-rebuild test"}}'
		assert_equal "$(answer 'a["updatedInput"]["command"]')" \
			"safe-rebuild test --agent codex-${id: -8}"
	done
}

@test "a name that was given: Codex' subagents are told apart, opencode's shell keeps it" {
	local id
	for id in 01a20f65-7691-70b3-8000-000011112222 01a20f65-7691-70b3-8000-000033334444; do
		SAFE_REBUILD_AGENT=mybot event codex '{"session_id": "01a20f65-0000-7000-8000-000078147240", "agent_id": "'$id'",
			"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "nixos-rebuild test"}}'
		assert_equal "$(answer 'a["updatedInput"]["command"]')" "safe-rebuild test --agent mybot.${id: -6}"
	done
	sr agents --opencode-plugin | grep -q '!process.env.SAFE_REBUILD_AGENT'
}

@test "a file's content may hold a NUL" {
	sr --agent a switch --flake . 2>/dev/null
	event claude '{"session_id": "x", "hook_event_name": "PostToolUse", "tool_name": "Write",
		"tool_input": {"file_path": "'"$CONFIG"'/flake.nix", "content": "a\u0000b"}}'
	assert_equal "$stderr" ""
	grep -rq "$CONFIG/flake.nix" "$STATE/edits"
}

@test "variables that are wrong do not stand in a hook's way" {
	SAFE_REBUILD_WAIT=soon SAFE_REBUILD_CONFIRM=x event claude '{"session_id": "x", "hook_event_name": "PreToolUse",
		"tool_name": "Bash", "tool_input": {"command": "nixos-rebuild switch"}}'
	assert_equal "$(answer 'a["updatedInput"]["command"]')" "safe-rebuild switch"
	sr --agent a switch --flake . 2>/dev/null
	SAFE_REBUILD_WAIT=soon event claude '{"session_id": "x", "hook_event_name": "PostToolUse", "tool_name": "Edit",
		"tool_input": {"file_path": "'"$CONFIG"'/flake.nix"}}'
	grep -rq "$CONFIG/flake.nix" "$STATE/edits"
}

@test "known configurations are remembered until something is built" {
	sr --agent a switch --flake . 2>/dev/null
	edited() {
		event claude '{"session_id": "x", "hook_event_name": "PostToolUse", "tool_name": "Edit",
			"tool_input": {"file_path": "'"$1"'"}}'
	}
	edited /somewhere/else
	assert_contains "$(cat "$XDG_CACHE_HOME/safe-rebuild/.configurations")" "$CONFIG"
	local other=$ROOT/other
	cp -r "$CONFIG" "$other"
	edited "$other/flake.nix"
	[ ! -e "$STATE/edits" ] || refute grep -rq "$other" "$STATE/edits"
	(cd "$other" && sr --agent b switch --flake . 2>/dev/null)
	edited "$other/flake.nix"
	grep -rq "$other/flake.nix" "$STATE/edits"
}

@test "an edit that failed is nobody's" {
	sr --agent a switch --flake . 2>/dev/null
	event gemini '{"session_id": "0199b2c4-0000-4000-8000-0123456789ab", "hook_event_name": "AfterTool",
		"tool_name": "replace", "tool_input": {"file_path": "'"$CONFIG"'/flake.nix"},
		"tool_response": {"error": {"message": "not found"}}}'
	event codex '{"session_id": "0199b2c4-0000-4000-8000-0123456789ab", "hook_event_name": "PreToolUse",
		"tool_name": "Bash", "cwd": "'"$CONFIG"'",
		"tool_input": {"command": "apply_patch <<EOF\n*** Update File: flake.nix\nEOF"}}'
	[ ! -e "$STATE/edits" ] || refute grep -rq flake.nix "$STATE/edits"
	event codex '{"session_id": "0199b2c4-0000-4000-8000-0123456789ab", "hook_event_name": "PostToolUse",
		"tool_name": "apply_patch", "cwd": "'"$CONFIG"'",
		"tool_input": {"command": "*** Begin Patch\n*** Update File: old.nix\n*** Move to: new.nix\n*** End Patch"}}'
	grep -rq "$CONFIG/new.nix" "$STATE/edits"
}

@test "the longest time limit: also for safe-rebuild itself, never a shorter one" {
	limit() {
		event claude '{"session_id": "3f2a9c1e-1111-4111-8111-111111111111", "hook_event_name": "PreToolUse",
			"tool_name": "Bash", "tool_input": {"command": "'"$1"'", '"$2"'}}'
		[ -z "$output" ] || answer 'a["updatedInput"].get("timeout")'
	}
	assert_equal "$(limit 'safe-rebuild switch --flake .' '"timeout": 120000')" 600000
	assert_equal "$(limit 'safe-rebuild attach 3' '"x": 1')" 600000
	assert_equal "$(limit 'safe-rebuild diff' '"timeout": 120000')" ""
	assert_equal "$(limit 'nixos-rebuild switch' '"timeout": 3600000, "run_in_background": true')" 7200000
	assert_equal "$(limit 'nixos-rebuild switch' '"timeout": 700000')" 700000
}

@test "opencode's plugin: command, edit, news" {
	event opencode '{"session_id": "ses_4d2bAbCdEfGh", "hook_event_name": "tool.execute.before",
		"tool_name": "bash", "tool_input": {"command": "nixos-rebuild test", "timeout": 5000}}'
	assert_equal "$(answer 'a["updatedInput"]')" "{'command': 'safe-rebuild test', 'timeout': 600000}"
	sr --agent a switch --flake . 2>/dev/null
	event opencode '{"session_id": "ses_4d2bAbCdEfGh", "hook_event_name": "tool.execute.after",
		"tool_name": "write", "cwd": "'"$CONFIG"'", "tool_input": {"file_path": "flake.nix"}}'
	grep -rq "opencode-abcdefgh $CONFIG/flake.nix" "$STATE/edits"
	event opencode '{"session_id": "ses_4d2bAbCdEfGh", "hook_event_name": "chat.message"}'
	echo >>flake.nix
	sr --agent a switch --flake . 2>/dev/null
	event opencode '{"session_id": "ses_4d2bAbCdEfGh", "hook_event_name": "chat.message"}'
	assert_contains "$(answer 'a["additionalContext"]')" "build 2 by a"
	# it is a program that Node.js can read, where there is one
	if command -v node >/dev/null; then
		sr agents --opencode-plugin >"$ROOT/plugin.mjs"
		node --check "$ROOT/plugin.mjs"
	fi
}

@test "an event without an end is not waited for" {
	local begun=$SECONDS
	mkfifo "$ROOT/event"
	exec 8<>"$ROOT/event"
	printf '{"hook_event_name": ' >&8
	run -0 sr hook claude <"$ROOT/event"
	exec 8>&-
	assert_equal "$output" "safe-rebuild: hook: no whole event has come in time"
	[ $((SECONDS - begun)) -lt 20 ]
}
