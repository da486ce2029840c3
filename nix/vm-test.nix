# Two agents on one machine switch for real: the second is told of the first, is refused where it
# would take the first one's work away, and nixos-rebuild itself is safe-rebuild.
{ pkgs, module }:

pkgs.testers.runNixOSTest {
  name = "safe-rebuild";

  nodes.machine =
    { lib, modulesPath, ... }:
    {
      imports = [
        module
        (modulesPath + "/installer/cd-dvd/channel.nix")
      ];
      programs.safe-rebuild = {
        enable = true;
        replaceNixosRebuild = true;
        agents.claudeCode.enable = true;
      };
      environment.systemPackages = [ pkgs.git ];
      virtualisation = {
        writableStore = true;
        memorySize = 3072;
      };
      nix.settings = {
        substituters = lib.mkForce [ ];
        trusted-public-keys = lib.mkForce [ ];
        hashed-mirrors = null;
        connect-timeout = 1;
      };
      system.includeBuildDependencies = true;
      boot.loader.grub.enable = false;
    };

  testScript = ''
    import json

    machine.wait_for_unit("multi-user.target")
    machine.succeed("nixos-rebuild --version || true", "readlink -f $(command -v nixos-rebuild) | grep safe-rebuild")
    machine.succeed("stat -c '%a %G' /run/safe-rebuild/queue | grep -x '3770 wheel'")
    json.loads(machine.succeed("cat /etc/claude-code/managed-settings.d/50-safe-rebuild.json"))

    machine.succeed("nixos-generate-config", "cd /etc/nixos && git init -q && git config user.name t && git config user.email t@localhost")
    machine.copy_from_host("${pkgs.writeText "configuration.nix" ''
      { modulesPath, ... }:
      {
        imports = [
          ./hardware-configuration.nix
          ./web.nix
          (modulesPath + "/testing/test-instrumentation.nix")
          (modulesPath + "/profiles/minimal.nix")
        ];
        boot.loader.grub.enable = false;
        documentation.enable = false;
      }
    ''}", "/etc/nixos/configuration.nix")

    def build(agent, text):
        machine.succeed(f"cd /etc/nixos && echo '{{ environment.etc.{text}.text = \"{text}\"; }}' > web.nix && git add -A && git commit -qm {text}")
        return machine.execute(f"cd /etc/nixos && safe-rebuild --agent {agent} switch 2>&1")

    status, output = build("alpha", "one")
    assert status == 0, output
    machine.succeed("grep one /etc/one")
    status, output = build("beta", "two")
    assert status == 65 and "build 1 by alpha" in output, output
    machine.succeed("grep one /etc/one")
    machine.succeed("cd /etc/nixos && safe-rebuild --agent beta --allow-undo 1 switch")
    machine.succeed("grep two /etc/two", "safe-rebuild log | grep 'build 2 by beta: switch succeeded'")
  '';
}
