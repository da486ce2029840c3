# fish completion for safe-rebuild(8)

function __safe_rebuild_numbers
    safe-rebuild log -n 30 2>/dev/null | string replace -rf '^build (\d+) by (.*)' '$1\t$2'
end

function __safe_rebuild_builds
    __safe_rebuild_numbers
    __safe_rebuild_agents | string replace -r '^' @
    printf 'last\tthe last one\nlive\twhat runs\n'
end

function __safe_rebuild_agents
    safe-rebuild log -n 30 2>/dev/null | string replace -rf '^build \d+ by ([^: ]+).*' '$1' | sort -u
end

set -l commands status diff log show attach cancel exec rollback confirm pause resume hook agents
set -l actions switch boot test build dry-build dry-run dry-activate edit repl build-vm build-vm-with-bootloader build-image list-generations
set -l first "not __fish_seen_subcommand_from $commands $actions"

complete -c safe-rebuild -f
complete -c safe-rebuild -l agent -x -a '(__safe_rebuild_agents)' -d 'who I am; else detected'
complete -c safe-rebuild -l message -x -d 'why: shown to others and recorded'
complete -c safe-rebuild -l wait -x -a '0 90s 10m forever' -d 'how long to queue'
complete -c safe-rebuild -l no-wait -d 'give up at once when another build runs'
complete -c safe-rebuild -l allow-undo -x -a '(__safe_rebuild_numbers)' -d 'go on although these builds\' work goes'
complete -c safe-rebuild -l allow-redo -x -a '(__safe_rebuild_numbers)' -d 'go on although rolled back work comes back'
complete -c safe-rebuild -l confirm -x -a '2m 10m' -d 'go back unless confirmed in time'
complete -c safe-rebuild -l settings -r -F -d 'instead of /etc/safe-rebuild.ini'
complete -c safe-rebuild -l help -d help
complete -c safe-rebuild -l version -d version

complete -c safe-rebuild -n $first -a status -d 'who builds, who waits, what is live'
complete -c safe-rebuild -n $first -a diff -d 'what changed since my last build'
complete -c safe-rebuild -n $first -a log -d 'the last builds'
complete -c safe-rebuild -n $first -a show -d 'one build'
complete -c safe-rebuild -n $first -a attach -d 'follow a build'
complete -c safe-rebuild -n $first -a cancel -d 'end what waits or builds'
complete -c safe-rebuild -n $first -a rollback -d 'go back to the system of an older build'
complete -c safe-rebuild -n $first -a confirm -d 'keep what switch --confirm has made live'
complete -c safe-rebuild -n $first -a pause -d 'stop all rebuilds until somebody resumes them'
complete -c safe-rebuild -n $first -a resume -d 'end a pause'
complete -c safe-rebuild -n $first -a exec -d 'any command under the same lock and queue'
complete -c safe-rebuild -n $first -a hook -d 'answer an agent\'s hook'
complete -c safe-rebuild -n $first -a agents -d 'make agents use safe-rebuild'
complete -c safe-rebuild -n $first -a "$actions"

complete -c safe-rebuild -n '__fish_seen_subcommand_from status diff log show' -l json
complete -c safe-rebuild -n '__fish_seen_subcommand_from diff show' -l patch
complete -c safe-rebuild -n '__fish_seen_subcommand_from diff' -l restore
complete -c safe-rebuild -n '__fish_seen_subcommand_from diff' -l exit-code
complete -c safe-rebuild -n '__fish_seen_subcommand_from diff show' -l since -x -a '(__safe_rebuild_builds)'
complete -c safe-rebuild -n '__fish_seen_subcommand_from log' -l since -x
complete -c safe-rebuild -n '__fish_seen_subcommand_from log' -l refused
complete -c safe-rebuild -n '__fish_seen_subcommand_from log' -s n -x
complete -c safe-rebuild -n '__fish_seen_subcommand_from log' -l action -x -a "$actions"
complete -c safe-rebuild -n '__fish_seen_subcommand_from log' -l outcome -x -a 'running succeeded partly failed interrupted cancelled rolled-back'
complete -c safe-rebuild -n '__fish_seen_subcommand_from log' -l path -r -F
complete -c safe-rebuild -n '__fish_seen_subcommand_from show' -l output
complete -c safe-rebuild -n '__fish_seen_subcommand_from show attach cancel rollback confirm' -a '(__safe_rebuild_builds)'
complete -c safe-rebuild -n '__fish_seen_subcommand_from confirm' -l take-back -x
complete -c safe-rebuild -n '__fish_seen_subcommand_from pause' -l for -x -a '10m 1h'
complete -c safe-rebuild -n '__fish_seen_subcommand_from hook' -a 'claude codex gemini opencode'
complete -c safe-rebuild -n '__fish_seen_subcommand_from agents' -l md
complete -c safe-rebuild -n '__fish_seen_subcommand_from agents' -l check
complete -c safe-rebuild -n '__fish_seen_subcommand_from agents' -l install -x -a 'claude codex gemini opencode'
complete -c safe-rebuild -n '__fish_seen_subcommand_from agents' -l remove -x -a 'claude codex gemini opencode'
complete -c safe-rebuild -n '__fish_seen_subcommand_from agents' -l user
complete -c safe-rebuild -n '__fish_seen_subcommand_from agents' -l project
complete -c safe-rebuild -n '__fish_seen_subcommand_from agents' -l managed
complete -c safe-rebuild -n '__fish_seen_subcommand_from agents' -l opencode-plugin

# nixos-rebuild's own.
set -l nixos "__fish_seen_subcommand_from $actions"
complete -c safe-rebuild -n $nixos -s F -l flake -r -F
complete -c safe-rebuild -n $nixos -s f -l file -r -F
complete -c safe-rebuild -n $nixos -l store-path -r -F
complete -c safe-rebuild -n $nixos -l elevate -x -a 'none sudo doas run0'
for option in attr profile-name specialisation target-host build-host image-variant builders max-jobs cores include log-format override-input update-input option arg argstr
    complete -c safe-rebuild -n $nixos -l $option -x
end
for option in rollback upgrade upgrade-all install-bootloader install-grub sudo use-remote-sudo ask-sudo-password ask-elevate-password no-reexec no-flake no-build-output use-substitutes fast diff json show-trace verbose quiet print-build-logs keep-going keep-failed fallback repair refresh offline no-net impure accept-flake-config recreate-lock-file no-update-lock-file no-write-lock-file no-registries commit-lock-file
    complete -c safe-rebuild -n $nixos -l $option
end
complete -c safe-rebuild -n '__fish_seen_subcommand_from diff show exec' -F
