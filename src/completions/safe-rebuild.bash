# bash completion for safe-rebuild(8)

# "build 43 by alpha: ..." of the newest builds: their numbers, and who made them.
_safe_rebuild_builds() {
	local builds
	builds=$(safe-rebuild log -n 30 2>/dev/null)
	sed -n 's/^build \([0-9]*\) by .*/\1/p' <<<"$builds"
	sed -n 's/^build [0-9]* by \([^: ]*\).*/@\1/p' <<<"$builds" | sort -u
	echo last live
}

_safe_rebuild() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' i
	local options='--agent --message --wait --no-wait --allow-undo --allow-redo --confirm --settings --help --version'
	local commands='status diff log show attach cancel exec rollback confirm pause resume hook agents'
	local actions='switch boot test build dry-build dry-run dry-activate edit repl build-vm build-vm-with-bootloader build-image list-generations'
	local nixos='--flake --file --attr --profile-name --specialisation --target-host --build-host --store-path --elevate --image-variant --builders --max-jobs --cores --include --log-format --override-input --update-input --option --arg --argstr --rollback --upgrade --upgrade-all --install-bootloader --install-grub --sudo --use-remote-sudo --ask-sudo-password --ask-elevate-password --no-reexec --no-flake --no-build-output --use-substitutes --fast --diff --json --show-trace --verbose --quiet --print-build-logs --keep-going --keep-failed --fallback --repair --refresh --offline --no-net --impure --accept-flake-config --recreate-lock-file --no-update-lock-file --no-write-lock-file --no-registries --commit-lock-file'

	for ((i = 1; i < COMP_CWORD; i++)); do
		case " $commands $actions " in *" ${COMP_WORDS[i]} "*) command=${COMP_WORDS[i]} && break ;; esac
	done
	case $before in
	--settings | --file | -f | --path) mapfile -t COMPREPLY < <(compgen -f -- "$word") && return ;;
	--flake) mapfile -t COMPREPLY < <(compgen -d -- "$word") && return ;;
	--confirm | --for) mapfile -t COMPREPLY < <(compgen -W '2m 10m 1h' -- "$word") && return ;;
	--elevate) mapfile -t COMPREPLY < <(compgen -W 'none sudo doas run0' -- "$word") && return ;;
	--action) mapfile -t COMPREPLY < <(compgen -W "$actions rollback exec" -- "$word") && return ;;
	--outcome) mapfile -t COMPREPLY < <(compgen -W 'running succeeded partly failed interrupted cancelled rolled-back' -- "$word") && return ;;
	--wait) mapfile -t COMPREPLY < <(compgen -W '0 90s 10m forever' -- "$word") && return ;;
	--agent) mapfile -t COMPREPLY < <(compgen -W "$(_safe_rebuild_builds | sed -n 's/^@//p')" -- "$word") && return ;;
	--allow-undo | --allow-redo) mapfile -t COMPREPLY < <(compgen -W "$(_safe_rebuild_builds | grep '^[0-9]')" -- "$word") && return ;;
	--since) mapfile -t COMPREPLY < <(compgen -W "$(_safe_rebuild_builds)" -- "$word") && return ;;
	--install | --remove) mapfile -t COMPREPLY < <(compgen -W 'claude codex gemini opencode' -- "$word") && return ;;
	esac
	case $command in
	'') options+=" $commands $actions" ;;
	status) options+=' --json' ;;
	diff) options+=' --patch --restore --since --exit-code --json --flake' ;;
	log) options+=' -n --action --outcome --since --path --refused --json' ;;
	show) options+=" --patch --since --output --json $(_safe_rebuild_builds)" ;;
	attach | cancel | rollback) options+=" $(_safe_rebuild_builds)" ;;
	confirm) options+=" --take-back $(_safe_rebuild_builds)" ;;
	pause) options+=' --for' ;;
	resume) ;;
	hook) options='claude codex gemini opencode' ;;
	agents) options='--md --check --install --remove --user --project --managed --opencode-plugin' ;;
	exec) mapfile -t COMPREPLY < <(compgen -c -- "$word") && return ;;
	*) options+=" $nixos" ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
}

complete -F _safe_rebuild safe-rebuild
