load helpers

prepare() {
	make_repository
	cd "$CONFIG"
}

# recorded VARIABLE=VALUE ...: builds with these set and prints who was recorded.
recorded() {
	env "$@" "$SAFE_REBUILD" switch 2>/dev/null
	field last agent
}

@test "agents are known by their variables" {
	uuid=3f2a9c1e-aaaa-4bbb-8ccc-123456789abc
	assert_equal "$(recorded CLAUDECODE=1 CLAUDE_CODE_CHILD_SESSION=1 CLAUDE_CODE_SESSION_ID=$uuid)" \
		claude-code-3f2a9c1e
	assert_equal "$(field last session)" $uuid
	# a UUIDv7 begins with the clock: its end tells sessions apart
	assert_equal "$(recorded CODEX_THREAD_ID=0199b2c4-1111-7222-8333-44445555abcd)" codex-5555abcd
	assert_equal "$(recorded CURSOR_AGENT=1 CURSOR_CONVERSATION_ID=conv-12345678)" cursor-12345678
	assert_equal "$(recorded COPILOT_CLI=1 COPILOT_AGENT_SESSION_ID=$uuid)" copilot-3f2a9c1e
	assert_equal "$(recorded GOOSE_TERMINAL=1 AGENT=goose AGENT_SESSION_ID=20261122_1)" goose-02611221
	assert_equal "$(recorded AWS_EXECUTION_ENV=x-AmazonQ-For-CLI-y | cut -d- -f1,2)" amazon-q
	assert_equal "$(recorded OPENCODE=1 AGENT=1 | cut -d- -f1)" opencode
	assert_equal "$(recorded GEMINI_CLI=1 | cut -d- -f1)" gemini
}

@test "Amp also sets Claude's marker and is Amp all the same" {
	assert_equal "$(recorded CLAUDECODE=1 AGENT=amp AGENT_THREAD_ID=T-0011aabb)" amp-0011aabb
}

@test "AI_AGENT and AGENT name any other agent, without version and suffix" {
	assert_equal "$(recorded AI_AGENT=claude-code_2-1-330_agent)" claude-code
	assert_equal "$(recorded AI_AGENT=github_copilot_cloud_agent)" github-copilot-cloud
	assert_equal "$(recorded AGENT=somebody)" somebody
	assert_equal "$(recorded AI_AGENT=../../x$'\n'y)" x-.--.-x-y-
	git --git-dir "$LEDGER" for-each-ref refs/agents >/dev/null
}

@test "two sessions are two agents, one session is one" {
	a=$(recorded CLAUDE_CODE_SESSION_ID=11111111-aaaa-4bbb-8ccc-123456789abc)
	b=$(recorded CLAUDE_CODE_SESSION_ID=22222222-aaaa-4bbb-8ccc-123456789abc)
	[ "$a" != "$b" ]
	assert_equal "$(recorded CLAUDE_CODE_SESSION_ID=11111111-aaaa-4bbb-8ccc-123456789abc)" "$a"
}

@test "an agent without a session id is told apart by its process" {
	# The agent is the process that does not itself carry the marker it gives its children.
	cat >"$ROOT/agent" <<-'SH'
		#!/bin/bash
		OPENCODE=1 "$SAFE_REBUILD" switch 2>/dev/null
		OPENCODE=1 "$SAFE_REBUILD" switch 2>/dev/null
	SH
	chmod +x "$ROOT/agent"
	"$ROOT/agent"
	"$ROOT/agent"
	assert_equal "$(field 1 agent)" "$(field 2 agent)"
	assert_equal "$(field 3 agent)" "$(field 4 agent)"
	[ "$(field 1 agent)" != "$(field 3 agent)" ]
}

@test "empty, 0 and false are no marker" {
	as_person env OPENCODE=0 CURSOR_AGENT=false GEMINI_CLI= "$SAFE_REBUILD" switch
	wait_for test -s "$ROOT/person.status"
	assert_equal "$(field last agent)" "$(id -un)"
}

@test "option before variable before detection" {
	export CLAUDE_CODE_SESSION_ID=11111111-aaaa-4bbb-8ccc-123456789abc
	assert_equal "$(recorded SAFE_REBUILD_AGENT=mine)" mine
	SAFE_REBUILD_AGENT=mine sr --agent other switch
	assert_equal "$(field last agent)" other
}

@test "without an agent it is the person" {
	as_person "$SAFE_REBUILD" switch
	wait_for test -s "$ROOT/person.status"
	assert_equal "$(field last agent)" "$(id -un)"
	assert_equal "$(field last user)" "$(id -un)"
}

@test "sudo, doas and pkexec tell who it was, also in the advice" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	DOUBLE='' SUDO_UID=$(id -u daemon) SUDO_USER=daemon sr switch --flake . 2>/dev/null
	assert_equal "$(field last user) $(field last agent)" "daemon daemon"
	DOAS_USER=bin sr switch --flake . 2>/dev/null
	assert_equal "$(field last user) $(field last agent)" "bin bin"
	PKEXEC_UID=$(id -u mail) sr switch --flake . 2>/dev/null
	assert_equal "$(field last user)" mail
	# One within another tells of root; nobody has logged in here.
	SUDO_UID=0 SUDO_USER=root sr switch --flake . 2>/dev/null
	assert_equal "$(field last user)" root
	DOAS_USER='no such user' sr switch --flake . 2>/dev/null
	assert_equal "$(field last user)" root
}

@test "through sudo the ancestors' environment tells" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	command -v sudo >/dev/null || skip "needs sudo"
	cat >"$ROOT/shell" <<-'SH'
		#!/bin/sh
		sudo env PATH="$PATH" SAFE_REBUILD_SETTINGS="$SAFE_REBUILD_SETTINGS" ROOT="$ROOT" \
			"$SAFE_REBUILD" switch 2>/dev/null
		:
	SH
	chmod +x "$ROOT/shell"
	CLAUDE_CODE_SESSION_ID=11111111-aaaa-4bbb-8ccc-123456789abc "$ROOT/shell"
	assert_equal "$(field last agent)" claude-code-11111111
	SAFE_REBUILD_MESSAGE="through sudo" AI_AGENT=crush "$ROOT/shell"
	assert_equal "$(field last agent)" crush
	assert_equal "$(field last message)" "through sudo"
}

@test "an agent that sets nothing is known by its program" {
	cp /bin/bash "$ROOT/aider"
	# shellcheck disable=SC2016
	as_person "$ROOT/aider" -c '"$SAFE_REBUILD" switch; :'
	wait_for test -s "$ROOT/person.status"
	assert_equal "$(field last agent | cut -d- -f1)" aider
}

@test "no environment is ever stored" {
	CLAUDE_CODE_SESSION_ID=11111111-aaaa-4bbb-8ccc-123456789abc CLAUDE_CODE_MESSAGING_TOKEN=verysecret \
		sr switch
	refute grep -r verysecret "$ROOT/var" "$ROOT/run"
	refute_contains "$(git --git-dir "$LEDGER" log --all --format=%B)" verysecret
}
