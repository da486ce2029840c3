# A system small enough to build in a moment and real enough to be activated: a derivation
# built by /bin/sh whose bin/switch-to-configuration points /run/current-system at itself.
# modules: attribute sets with services (names), seconds (how long the build takes), activation
# (how long that takes), exit (what it exits with at its end) and refuse (with what it exits
# before it has changed anything), as switch-to-configuration-ng does: 1 a pre-switch check, 2
# the activation script, 3 and 4 units, 11 its lock is taken, 100 it takes effect at the next
# boot.
{ modules, label ? "test" }:

let
  all = name: builtins.concatLists (map (module: module.${name} or [ ]) modules);
  last = name: default: builtins.foldl' (value: module: module.${name} or value) default modules;
  script = ''
    #! /bin/sh
    set -e
    system=@out@
    case $1 in
      boot) exit 0 ;;
      switch|test) ;;
      *) exit 1 ;;
    esac
    case ${toString (last "refuse" 0)} in
      0) ;;
      1) echo "Pre-switch checks failed" >&2 ;;
      11) echo "Could not acquire lock" >&2 ;;
    esac
    [ ${toString (last "refuse" 0)} = 0 ] || exit ${toString (last "refuse" 0)}
    echo "activating the configuration..." >&2
    sleep ${toString (last "activation" 0)}
    ln -sfn "$system" "$TEST_CURRENT_SYSTEM.new"
    mv -T "$TEST_CURRENT_SYSTEM.new" "$TEST_CURRENT_SYSTEM"
    for service in $(cat "$system/services"); do
      echo "starting the following units: $service.service" >&2
    done
    exit ${toString (last "exit" 0)}
  '';
  toplevel = derivation {
    name = "nixos-system-${label}";
    system = "x86_64-linux";
    builder = "/bin/sh";
    inherit script label;
    services = builtins.concatStringsSep "\n" (all "services");
    seconds = toString (last "seconds" 0);
    args = [
      "-c"
      ''
        PATH=/run/current-system/sw/bin:/usr/bin:/bin
        echo "building $label" >&2
        sleep "$seconds"
        mkdir -p "$out/bin"
        echo "$label" > "$out/nixos-version"
        echo "$services" > "$out/services"
        echo "$script" | sed "s|@out@|$out|" > "$out/bin/switch-to-configuration"
        chmod +x "$out/bin/switch-to-configuration"
      ''
    ];
  };
in
{
  config.system.build.toplevel = toplevel;
}
