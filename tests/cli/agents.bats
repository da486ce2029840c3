# Teaching agents to use safe-rebuild: instructions, hooks in their settings, a check.
load helpers

prepare() {
	cd "$ROOT"
	CLAUDE=$HOME/.claude/settings.json
}

@test "--md: every command and option in it exists" {
	local text word help
	text=$(sr agents --md)
	help=$(sr --help)
	for word in $(grep -o 'safe-rebuild [a-z]*' <<<"$text" | cut -d ' ' -f 2 | sort -u); do
		grep -q "^  $word " <<<"$help" || { echo "no command $word"; return 1; }
	done
	for word in $(grep -oE -e '--[a-z-]+' <<<"$text" | sort -u); do
		grep -qF -- "$word" <<<"$help$(sr diff --help; sr show --help)" || { echo "no option $word"; return 1; }
	done
	[ "${#text}" -lt 2000 ]
}

@test "--install keeps all else, shows the difference, is done once, and --remove takes it back" {
	mkdir -p "$HOME/.claude"
	cat >"$CLAUDE" <<-'JSON'
		{
		  "model": "opus",
		  "hooks": {
		    "PreToolUse": [
		      {
		        "matcher": "Bash",
		        "hooks": [
		          {
		            "type": "command",
		            "command": "my-own"
		          }
		        ]
		      }
		    ]
		  },
		  "permissions": {
		    "allow": []
		  }
		}
	JSON
	chmod 600 "$CLAUDE"
	cp "$CLAUDE" "$ROOT/before"
	run sr agents --install claude
	assert_equal "$status" 0
	assert_contains "$output" '+            "command": "safe-rebuild hook claude"'
	refute_contains "$output" '-  "model"'
	assert_equal "$(stat -c %a "$CLAUDE")" 600
	assert_equal "$(python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); print(j["model"], [h["hooks"][0]["command"] for h in j["hooks"]["PreToolUse"]], sorted(j["hooks"]))' "$CLAUDE")" \
		"opus ['my-own', 'safe-rebuild hook claude'] ['PostToolUse', 'PreToolUse', 'SessionStart', 'SubagentStart', 'UserPromptSubmit']"
	run sr agents --install claude
	assert_equal "$output" "nothing to change in '$CLAUDE'"
	run sr agents --remove claude
	assert_equal "$status" 0
	cmp "$CLAUDE" "$ROOT/before"
	run sr agents --remove claude
	assert_equal "$output" "nothing to change in '$CLAUDE'"
}

@test "each agent, each place" {
	sr agents --install codex --project 2>/dev/null
	grep -q "safe-rebuild hook codex" .codex/hooks.json
	sr agents --install gemini 2>/dev/null
	assert_equal "$(python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); print(j["hooks"]["BeforeTool"])' "$HOME/.gemini/settings.json")" \
		"[{'matcher': 'run_shell_command', 'hooks': [{'type': 'command', 'command': 'safe-rebuild hook gemini', 'timeout': 10000}]}]"
	run sr agents --install codex
	assert_contains "$output" "codex silently skips hooks that it does not trust"
	sr agents --install opencode 2>/dev/null
	cmp "$HOME/.config/opencode/plugin/safe-rebuild.js" <(sr agents --opencode-plugin)
	sr agents --remove opencode
	[ ! -e "$HOME/.config/opencode/plugin/safe-rebuild.js" ]
	[ ! -e "$HOME/.config/opencode/plugin" ]
	run -64 sr agents --install opencode --managed
	run -64 sr agents --install nobody
	run -64 sr agents --install claude --user --project
	assert_equal "$output" "safe-rebuild: give only one of --user, --project and --managed"
	run -64 sr agents
	run -64 sr agents --md --check
}

@test "a link and what is no JSON stay as they are" {
	mkdir -p "$HOME/.claude" "$ROOT/store"
	echo '{}' >"$ROOT/store/settings.json"
	ln -s "$ROOT/store/settings.json" "$CLAUDE"
	run -125 sr agents --install claude
	assert_contains "$output" "is a link that another tool manages"
	assert_equal "$(cat "$ROOT/store/settings.json")" '{}'
	rm "$CLAUDE"
	printf '{\n// a comment\n}\n' >"$CLAUDE"
	run -125 sr agents --install claude
	assert_contains "$output" "line 2 is not plain JSON"
	assert_contains "$(cat "$CLAUDE")" "a comment"
}

@test "--check tells of each agent that is here whether a bare nixos-rebuild reaches us" {
	local only=$ROOT/only
	mkdir "$only"
	ln -s "$SAFE_REBUILD" "$only/safe-rebuild"
	ln -s "$ROOT/double" "$only/nixos-rebuild"
	printf '#!/bin/sh\n' | tee "$only/claude" >"$only/codex"
	chmod 755 "$only"/c*
	ln -s "$(command -v bash)" "$(command -v setsid)" "$only"
	echo "alias nixos-rebuild=safe-rebuild" >"$HOME/.bashrc"
	PATH=$only run -1 "$SAFE_REBUILD" agents --check
	assert_contains "$output" "PATH: nixos-rebuild is the bare one ($only/nixos-rebuild)"
	assert_contains "$output" "claude: NOT reached; to change that: safe-rebuild agents --install claude"
	sr agents --install claude >/dev/null 2>&1
	ln -sf safe-rebuild "$only/nixos-rebuild"
	PATH=$only run "$SAFE_REBUILD" agents --check
	assert_contains "$output" "PATH: nixos-rebuild is safe-rebuild"
	assert_contains "$output" "claude: hook in its user settings ('$CLAUDE')"
	refute_contains "$output" "gemini"
	assert_contains "$output" "interactive bash: alias nixos-rebuild='safe-rebuild'"
	# what is not asked before a command does not count
	local command
	for command in '{"hooks": {"UserPromptSubmit": [{"hooks": [{"command": "safe-rebuild hook claude"}]}]}}' \
		'{"hooks": {"PreToolUse": [{"matcher": "Write", "hooks": [{"command": "safe-rebuild hook claude"}]}]}}' \
		'{"hooks": {"PreToolUse": [{"matcher": "mcp__.*", "hooks": [{"command": "safe-rebuild hook claude"}]}]}}' \
		'{"hooks": {"PreToolUse": [{"hooks": [{"command": "safe-rebuild hook claude", "async": true}]}]}}' \
		'{"hooks": {"PreToolUse": [{"hooks": [{"command": "safe-rebuild hook claude", "if": "Bash(git *)"}]}]}}' \
		'{"hooks": {"PreToolUse": [{"hooks": [{"command": "/gone/safe-rebuild hook claude"}]}]}}'; do
		echo "$command" >"$CLAUDE"
		PATH=$only run "$SAFE_REBUILD" agents --check
		refute_contains "$output" "claude: hook in"
	done
	mkdir .claude
	echo '{"hooks": {"PreToolUse": [{"hooks": [{"command": "safe-rebuild hook claude"}]}]}}' >.claude/settings.local.json
	PATH=$only run "$SAFE_REBUILD" agents --check
	assert_contains "$output" "claude: hook in its local settings"
}

@test "--install keeps the form of the file and its owner, and --remove what is left" {
	mkdir -p "$HOME/.claude"
	printf '{\n    "model": "opus",\n    "list": [\n        1\n    ]\n}' >"$CLAUDE"
	cp "$CLAUDE" "$ROOT/before"
	[ "$(id -u)" != 0 ] || chown nobody "$CLAUDE"
	local owner
	owner=$(stat -c %U "$CLAUDE")
	sr agents --install claude >/dev/null 2>&1
	refute cmp -s "$CLAUDE" "$ROOT/before"
	assert_equal "$(stat -c %U "$CLAUDE")" "$owner"
	sr agents --remove claude
	cmp "$CLAUDE" "$ROOT/before"
	# a layout of another kind stays where nothing changes
	echo '{"model":   "opus"}' >"$CLAUDE"
	run sr agents --remove claude
	assert_equal "$output" "nothing to change in '$CLAUDE'"
	assert_equal "$(cat "$CLAUDE")" '{"model":   "opus"}'
	# one that was made for it goes
	rm "$CLAUDE"
	sr agents --install claude >/dev/null 2>&1
	sr agents --remove claude
	[ ! -e "$CLAUDE" ]
}

@test "--check: hooks that are switched off in another file do not count" {
	local only=$ROOT/only hook='{"hooks": {"PreToolUse": [{"hooks": [{"command": "safe-rebuild hook claude"}]}]}}'
	mkdir -p "$only" "$HOME/.claude" .claude
	ln -s "$SAFE_REBUILD" "$only/safe-rebuild"
	ln -s "$SAFE_REBUILD" "$only/claude"
	printf 'PATH=%s\n' "$only" >"$HOME/.bash_profile"
	ln -s "$(command -v bash)" "$(command -v setsid)" "$only"
	echo "$hook" >"$CLAUDE"
	echo '{"disableAllHooks": true}' >.claude/settings.json
	PATH=$only run -1 "$SAFE_REBUILD" agents --check
	assert_contains "$output" "claude: hook in its user settings ('$CLAUDE'), but '.claude/settings.json' switches hooks off"
	assert_contains "$output" "claude: NOT reached"
	# Claude Code does not read a file with comments at all
	printf '// mine\n{"disableAllHooks": true /* for now */}\n' >.claude/settings.json
	PATH=$only run -0 "$SAFE_REBUILD" agents --check
	assert_contains "$output" "'.claude/settings.json' is not plain JSON: claude does not read it"
	printf '{"url": "http://x" // , "disableAllHooks": true\n}\n' >.claude/settings.json
	sed 's#^#{} // #' "$CLAUDE" >"$ROOT/commented"
	cp "$CLAUDE" "$ROOT/plain" && cp "$ROOT/commented" "$CLAUDE"
	PATH=$only run -1 "$SAFE_REBUILD" agents --check
	refute_contains "$output" "claude: hook in its user settings"
	assert_contains "$output" "'$CLAUDE' is not plain JSON: claude does not read it"
	local matcher
	for matcher in 'Edit, Bash' '^Ba' 'Bash|Edit' '*'; do
		sed "s/{\"hooks\": \[/{\"matcher\": \"$matcher\", \"hooks\": [/" "$ROOT/plain" >"$CLAUDE"
		PATH=$only run -0 "$SAFE_REBUILD" agents --check
	done
	sed 's/{"hooks": \[/{"matcher": "Bas", "hooks": [/' "$ROOT/plain" >"$CLAUDE"
	PATH=$only run -1 "$SAFE_REBUILD" agents --check
	cp "$ROOT/plain" "$CLAUDE"
	# the nearer file decides
	echo '{"disableAllHooks": false}' >.claude/settings.local.json
	PATH=$only run -0 "$SAFE_REBUILD" agents --check
	refute_contains "$output" "switches hooks off"
	sr agents --install gemini >/dev/null 2>&1
	PATH=$only run -0 "$SAFE_REBUILD" agents --check
	mkdir .gemini
	echo '{"hooksConfig": {"enabled": false}}' >.gemini/settings.json
	PATH=$only run -1 "$SAFE_REBUILD" agents --check
	assert_contains "$output" "but '.gemini/settings.json' switches hooks off"
	rm -r .gemini
	sr agents --install codex >/dev/null 2>&1
	printf 'model = "x"\n[tools]\nhooks = false\n' >"$HOME/.codex/config.toml"
	PATH=$only run -0 "$SAFE_REBUILD" agents --check
	for text in '[features]\nhooks  = false # not now\n' 'features.hooks=false\n' '[ features ]\ncodex_hooks = false\n'; do
		# shellcheck disable=SC2059
		printf "$text" >"$HOME/.codex/config.toml"
		PATH=$only run -1 "$SAFE_REBUILD" agents --check
		assert_contains "$output" "but '$HOME/.codex/config.toml' switches hooks off"
	done
}

@test "--managed: for everybody on the machine, beside what others manage" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	# shellcheck disable=SC2016
	run unshare --mount sh -ec 'mount -t tmpfs none /etc
		mkdir /etc/claude-code
		echo "{\"hooks\": {\"PreToolUse\": [{\"hooks\": [{\"command\": \"safe-rebuild hook claude\"}]}]}}" >/etc/claude-code/managed-settings.json
		"$SAFE_REBUILD" agents --install claude --managed 2>/dev/null | tail -n 1
		"$SAFE_REBUILD" agents --install codex --managed
		grep -q "safe-rebuild hook codex" /etc/codex/hooks.json
		"$SAFE_REBUILD" agents --check || :
		"$SAFE_REBUILD" agents --remove claude --managed | tail -n 1
		"$SAFE_REBUILD" agents --remove claude --managed | tail -n 1'
	assert_equal "$status" 0
	assert_contains "$output" "installed in '/etc/claude-code/managed-settings.d/50-safe-rebuild.json'"
	assert_contains "$output" "claude: hook in its managed settings ('/etc/claude-code/managed-settings.d/50-safe-rebuild.json')"
	assert_contains "$output" "codex: hook in its managed settings ('/etc/codex/hooks.json')"
	refute_contains "$output" trust
	assert_contains "$output" "removed from '/etc/claude-code/managed-settings.d/50-safe-rebuild.json'"
	assert_contains "$output" "removed from '/etc/claude-code/managed-settings.json'"
}

@test "numbers stay as they are, and a key that stands twice is not lost" {
	mkdir -p "$HOME/.claude"
	printf '{\n  "a": 0.1,\n  "b": 0.85\n}\n' >"$CLAUDE"
	cp "$CLAUDE" "$ROOT/before"
	run -0 sr agents --install claude
	assert_contains "$(cat "$CLAUDE")" '"a": 0.1,'
	run -0 sr agents --remove claude
	cmp "$CLAUDE" "$ROOT/before"
	echo '{"a": 1, "a": 2}' >"$CLAUDE"
	run -125 sr agents --install claude
	assert_contains "$output" "is not plain JSON"
	assert_equal "$(cat "$CLAUDE")" '{"a": 1, "a": 2}'
}

@test "a directory that root makes in a user's home is that user's" {
	[ "$(id -u)" = 0 ] || skip "only root makes what is another's"
	mkdir "$ROOT/home2"
	chown 12345:12345 "$ROOT/home2"
	HOME=$ROOT/home2 run -0 sr agents --install claude
	assert_equal "$(stat -c %u "$ROOT/home2/.claude" "$ROOT/home2/.claude/settings.json" | xargs)" "12345 12345"
}

@test "hooks that are there stay where they are, since Codex trusts them by their places" {
	local file=$HOME/.codex/hooks.json
	sr agents --install codex >/dev/null 2>&1
	python3 - "$file" <<-'PY'
		import json, sys
		settings = json.load(open(sys.argv[1]))
		settings["hooks"]["PreToolUse"].append({"hooks": [{"type": "command", "command": "mine"}]})
		settings["hooks"]["PreToolUse"][0]["hooks"][0]["timeout"] = 60
		json.dump(settings, open(sys.argv[1], "w"), indent=2)
	PY
	cp "$file" "$ROOT/before"
	run -0 sr agents --install codex
	assert_contains "$output" "nothing to change in '$file'"
	cmp "$file" "$ROOT/before"
	run -0 sr agents --remove codex
	assert_contains "$output" "trust your own again (/hooks)"
}

@test "--install and --remove keep the ends of lines, tabs, and a file of one line" {
	local form
	mkdir -p "$HOME/.claude"
	for form in '{\r\n  "model": "opus",\r\n  "list": [\r\n    1\r\n  ]\r\n}\r\n' \
		'{\n\t"model": "opus",\n\t"list": [\n\t\t1\n\t]\n}\n' \
		'{"model": "opus", "list": [1]}\n'; do
		# shellcheck disable=SC2059
		printf "$form" | tee "$CLAUDE" >"$ROOT/before"
		run -0 sr agents --install claude
		python3 -m json.tool "$CLAUDE" >/dev/null
		run -0 sr agents --remove claude
		cmp "$CLAUDE" "$ROOT/before"
	done
}

@test "another's plugin for opencode is neither overwritten nor removed" {
	local plugin=$HOME/.config/opencode/plugin/safe-rebuild.js
	mkdir -p "${plugin%/*}"
	echo 'export const Mine = async () => ({})' >"$plugin"
	run -125 sr agents --install opencode
	assert_contains "$output" "'$plugin' is not ours: move it away"
	run -125 sr agents --remove opencode
	assert_equal "$(cat "$plugin")" 'export const Mine = async () => ({})'
	# an older version of ours is replaced
	sr agents --opencode-plugin | sed 's/10000/5000/' >"$plugin"
	run -0 sr agents --install opencode
	cmp "$plugin" <(sr agents --opencode-plugin)
}

@test "our command is known in whatever form it stands: one hook, found and removed" {
	local command
	for command in '"command": "\"/nix/store/x/bin/safe-rebuild\" hook claude"' \
		'"command": "safe-rebuild  hook claude || true"' \
		'"command": "X=1 exec safe-rebuild hook claude"' \
		'"command": "safe-rebuild", "args": ["hook", "claude"]'; do
		mkdir -p "$HOME/.claude"
		printf '{"hooks": {"PreToolUse": [{"hooks": [{"type": "command", %s}]}]}}\n' "$command" >"$CLAUDE"
		run -0 sr agents --install claude
		assert_equal "$(grep -o safe-rebuild "$CLAUDE" | wc -l)" 5
		run -0 sr agents --remove claude
		[ ! -e "$CLAUDE" ]
	done
	mkdir -p "$HOME/.claude"
	printf '{"hooks": {"PreToolUse": [{"hooks": [{"command": "my-safe-rebuild hook claude"}]}]}}\n' >"$CLAUDE"
	run sr agents --remove claude
	assert_contains "$output" "nothing to change"
}

@test "--check: a hook in Codex' own settings; what it does not know, and whose settings they are" {
	local only=$ROOT/only
	mkdir -p "$only" "$HOME/.codex"
	ln -s "$SAFE_REBUILD" "$only/safe-rebuild"
	ln -s "$(command -v bash)" "$(command -v setsid)" "$(command -v sleep)" "$only"
	cat >"$HOME/.codex/config.toml" <<-'TOML'
		model = "x"
		[[hooks.PreToolUse]]
		matcher = "Bash"
		[[hooks.PreToolUse.hooks]]
		type = "command"
		command = "safe-rebuild hook codex" # ours
	TOML
	printf 'PATH=%s\n' "$only" >"$HOME/.bash_profile"
	PATH=$only run -0 "$SAFE_REBUILD" agents --check
	assert_contains "$output" "codex: hook in its settings ('$HOME/.codex/config.toml'), which runs only if codex was told to trust it (/hooks)"
	sed -i s/PreToolUse/PostToolUse/ "$HOME/.codex/config.toml"
	PATH=$only run "$SAFE_REBUILD" agents --check
	refute_contains "$output" "codex: hook"
	echo 'sleep 11' >>"$HOME/.bash_profile"
	PATH=$only run "$SAFE_REBUILD" agents --check
	assert_contains "$output" "login shell: bash -lc has not answered within 10 s"
	refute_contains "$output" "login shell: no nixos-rebuild"
	run -64 sr agents --check --managed
	assert_contains "$output" "go with --install and --remove"
	run -64 sr agents --md --user
	[ "$(id -u)" = 0 ] || return 0
	rm "$HOME/.bash_profile"
	SUDO_UID=1 SUDO_USER=daemon PATH=$only run "$SAFE_REBUILD" agents --check
	assert_contains "$output" "these are the settings and the PATH of root: agents of daemon have their own"
	SUDO_UID=1 SUDO_USER=daemon run -0 sr agents --install claude
	assert_contains "$output" "these are root's: agents of daemon do not read them"
	SUDO_UID=1 SUDO_USER=daemon run -0 sr agents --install gemini --project
	refute_contains "$output" "these are root's"
}
