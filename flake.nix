{
  description = "nixos-rebuild for machines that several agents and people rebuild";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      forEach = function: nixpkgs.lib.genAttrs systems (system: function nixpkgs.legacyPackages.${system});
      package =
        pkgs:
        pkgs.stdenv.mkDerivation {
          pname = "safe-rebuild";
          version = "0.1.0";
          src = self;
          strictDeps = true;
          nativeBuildInputs = with pkgs; [
            meson
            ninja
            pkg-config
            scdoc
          ];
          buildInputs = with pkgs; [
            libgit2
            inih
            jansson
          ];
          # They build systems with Nix: tests/run does that outside Nix' own sandbox.
          mesonFlags = [ "-Dtests=disabled" ];
          meta = {
            description = "Queue, record and explain nixos-rebuild for several callers";
            license = pkgs.lib.licenses.mit;
            platforms = pkgs.lib.platforms.linux;
            mainProgram = "safe-rebuild";
          };
        };
    in
    {
      packages = forEach (pkgs: {
        default = package pkgs;
      });

      devShells = forEach (pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ (package pkgs) ];
          packages = with pkgs; [
            bats
            clang-tools
            cmocka
            git
            hyperfine
            nix
            procps
            python3
            shellcheck
            spin
            util-linux
          ];
        };
      });
    };
}
