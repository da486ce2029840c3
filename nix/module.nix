# programs.safe-rebuild: see the options' descriptions, and safe-rebuild(8).
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = config.programs.safe-rebuild;
  format = pkgs.formats.ini { };

  # What the program reads is what counts, wherever it was set.
  group = cfg.settings.access.group;
  user = cfg.settings.access.user or "safe-rebuild";
  paths = {
    run = "/run/safe-rebuild";
    state = "/var/lib/safe-rebuild";
    log = "/var/log/safe-rebuild";
  } // (cfg.settings.paths or { });

  # nixos-rebuild-ng is the default since 25.11. (Where the option is gone, asking for it throws.)
  enableNg = builtins.tryEval (
    config.system.rebuild.enableNg or (lib.versionAtLeast lib.trivial.release "25.11")
  );

  # The configuration's own nixos-rebuild, as nixos/modules/installer/tools makes it.
  realNixosRebuild =
    if !enableNg.success || enableNg.value then
      pkgs.nixos-rebuild-ng.override (
        builtins.intersectAttrs (lib.functionArgs pkgs.nixos-rebuild-ng.override) {
          nix = config.nix.package;
          withNgSuffix = false;
          withReexec = true;
        }
      )
    else
      pkgs.nixos-rebuild.override { nix = config.nix.package.out; };

  # What its own path is baked into: the shim of a configuration that is being built runs that
  # configuration's nixos-rebuild, not the one of the settings that are in force.
  package = cfg.package.override { nixosRebuild = cfg.nixosRebuild; };

  # With the manual page and the completions of the real one, whose place it takes.
  shim = pkgs.buildEnv {
    name = "nixos-rebuild-safe";
    paths = [
      cfg.nixosRebuild
      (lib.getMan cfg.nixosRebuild)
    ];
    pathsToLink = [ "/share" ];
    ignoreCollisions = true;
    postBuild = ''
      mkdir -p $out/bin
      ln -s ${package}/bin/safe-rebuild $out/bin/nixos-rebuild
    '';
    meta.mainProgram = "nixos-rebuild";
  };

  canRun = pkgs.stdenv.buildPlatform.canExecute pkgs.stdenv.hostPlatform;

  # The program itself says what is wrong with them. (It reads a copy, because files of the store
  # may belong to nobody in a sandbox.)
  checkedSettings =
    let
      raw = format.generate "safe-rebuild.ini" cfg.settings;
    in
    if !canRun then
      raw
    else
      pkgs.runCommand "safe-rebuild.ini" { } ''
        install -m 644 ${raw} checked.ini
        ${package}/bin/safe-rebuild --settings "$PWD/checked.ini" status >/dev/null
        cp checked.ini $out
      '';

  # What `safe-rebuild agents --install` writes, for everybody on the machine.
  hooksOf =
    agent: path:
    pkgs.runCommand "safe-rebuild-hooks-${agent}.json" { } ''
      export HOME=$PWD
      ${
        if canRun then package else pkgs.buildPackages.callPackage ./package.nix { }
      }/bin/safe-rebuild agents --install ${agent} >/dev/null
      substitute ${path} $out --replace-fail "safe-rebuild hook" "${package}/bin/safe-rebuild hook"
    '';
in
{
  options.programs.safe-rebuild = {
    enable = lib.mkEnableOption ''
      safe-rebuild, which stands in front of nixos-rebuild on a machine whose configuration several
      AI agents and people change. What it records lies in `/var/lib/safe-rebuild` and
      `/var/log/safe-rebuild`: keep these where the root file system is made anew at each boot'';

    package = lib.mkOption {
      type = lib.types.package;
      default = pkgs.callPackage ./package.nix { };
      defaultText = lib.literalExpression "pkgs.callPackage ./package.nix { }";
      description = "The package of safe-rebuild, to be overridden with `nixosRebuild`.";
    };

    nixosRebuild = lib.mkOption {
      type = lib.types.package;
      default = realNixosRebuild;
      defaultText = lib.literalMD "the nixos-rebuild of this nixpkgs";
      description = "The nixos-rebuild that safe-rebuild runs, as `bin/nixos-rebuild`.";
    };

    settings = lib.mkOption {
      type = lib.types.submodule { freeformType = format.type; };
      default = { };
      example = {
        show.output = "all";
        log.keep = 500;
        guard.ignore = "*.md docs/*";
      };
      description = ''
        What becomes `/etc/safe-rebuild.ini`, see safe-rebuild.ini(5). Checked by the program when
        the system is built. `log.keep` says how many logs of builds are kept. A value must not
        have a blank and a semicolon, with which a comment would begin.
      '';
    };

    health = {
      check = lib.mkOption {
        type = lib.types.nullOr lib.types.str;
        default = null;
        example = lib.literalExpression ''"''${pkgs.curl}/bin/curl -fsS http://localhost/"'';
        description = ''
          A command, without a shell, that has to succeed before a switch is kept; else the system
          before it is activated again. A line of the settings holds 198 bytes: what is longer
          can be a `pkgs.writeShellScript`.
        '';
      };
      units = lib.mkEnableOption "going back when units fail newly after a switch";
    };

    confirm = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
      example = "2m";
      description = ''
        Every switch in a session is a trial: it goes back by itself after this time, unless
        `safe-rebuild confirm` is called. See safe-rebuild(8), GOING BACK.
      '';
    };

    notify = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
      description = "A command that gets one JSON object on stdin for each event, see safe-rebuild.ini(5).";
    };

    showPackages = lib.mkEnableOption "what became of the packages, after each build that changed the system";

    group = lib.mkOption {
      type = lib.types.str;
      default = "wheel";
      description = ''
        The group whose members may queue, record and read everything recorded without being root,
        as `nixos-rebuild --sudo` needs it. Every snapshot of the configuration can be read by them.
      '';
    };

    replaceNixosRebuild = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = ''
        Whether `nixos-rebuild` means safe-rebuild everywhere: in PATH, in
        `system.build.nixos-rebuild`, and so in `nixos-upgrade.service`. An upgrade from a local
        configuration is refused, and its unit fails, while that lacks what others have made live;
        one from a remote flake cannot be compared and is not refused.
      '';
    };

    agents = {
      claudeCode.enable = lib.mkEnableOption ''
        the hooks in Claude Code's managed settings,
        `/etc/claude-code/managed-settings.d/50-safe-rebuild.json`'';
      codex.enable = lib.mkEnableOption ''
        the hooks in Codex' system settings, `/etc/codex/hooks.json`, which it trusts unasked'';
      gemini.enable = lib.mkEnableOption ''
        the hooks in Gemini CLI's system settings, `/etc/gemini-cli/settings.json`, which
        then has nothing else in it. For opencode there is no such option: `safe-rebuild agents --install opencode` writes a user's'';
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = !lib.any (lib.hasInfix " ;") (
          lib.concatMap (section: map toString (lib.attrValues section)) (lib.attrValues cfg.settings)
        );
        message = "programs.safe-rebuild: a value of the settings has \" ;\", which begins a comment there: put the command into a script (pkgs.writeShellScript)";
      }
    ];

    programs.safe-rebuild.settings = {
      access.group = lib.mkDefault cfg.group;
      health = lib.mkIf (cfg.health.check != null || cfg.health.units) {
        check = lib.mkIf (cfg.health.check != null) cfg.health.check;
        units = lib.mkIf cfg.health.units "yes";
      };
      notify = lib.mkIf (cfg.notify != null) { command = cfg.notify; };
      show = lib.mkIf cfg.showPackages {
        packages = "${config.nix.package}/bin/nix --extra-experimental-features nix-command store diff-closures";
      };
    };

    environment.sessionVariables = lib.mkIf (cfg.confirm != null) {
      SAFE_REBUILD_CONFIRM = cfg.confirm;
    };

    environment.systemPackages = [ package ] ++ lib.optional cfg.replaceNixosRebuild (lib.hiPrio shim);
    system.build = lib.mkIf cfg.replaceNixosRebuild { nixos-rebuild = lib.mkForce shim; };

    environment.etc = {
      "safe-rebuild.ini".source = checkedSettings;
      "claude-code/managed-settings.d/50-safe-rebuild.json" = lib.mkIf cfg.agents.claudeCode.enable {
        source = hooksOf "claude" ".claude/settings.json";
      };
      "codex/hooks.json" = lib.mkIf cfg.agents.codex.enable {
        source = hooksOf "codex" ".codex/hooks.json";
      };
      "gemini-cli/settings.json" = lib.mkIf cfg.agents.gemini.enable {
        source = hooksOf "gemini" ".gemini/settings.json";
        # A copy: Gemini CLI skips a link into a directory that a group may write to, as
        # the Nix store is.
        mode = "0644";
      };
    };

    users.users.safe-rebuild = lib.mkIf (user == "safe-rebuild") {
      isSystemUser = true;
      # Of its own: to belong to wheel may mean more than to read what is recorded.
      group = "safe-rebuild";
      description = "Whose the files of safe-rebuild are";
    };
    users.groups = lib.mkMerge [
      { ${group} = { }; }
      (lib.mkIf (user == "safe-rebuild") { safe-rebuild = { }; })
    ];

    # As root's first call would make them: a member's may be the first after a boot.
    systemd.tmpfiles.rules = [
      "d ${paths.run} 0755 root root -"
      "d ${paths.run}/queue 3770 ${user} ${group} -"
      "d ${paths.run}/targets 3770 ${user} ${group} -"
      "f ${paths.run}/lock 0660 root ${group} -"
      "d ${paths.state} 2750 root ${group} -"
      "d ${paths.log} 3770 ${user} ${group} -"
    ];

    systemd.services.nixos-upgrade = lib.mkIf config.system.autoUpgrade.enable {
      environment.SAFE_REBUILD_AGENT = "auto-upgrade";
    };
  };
}
