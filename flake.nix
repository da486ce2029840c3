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
    in
    {
      overlays.default = final: prev: {
        safe-rebuild = final.callPackage ./nix/package.nix { };
      };

      nixosModules.default = ./nix/module.nix;

      packages = forEach (pkgs: {
        default = pkgs.callPackage ./nix/package.nix { };
      });

      checks = forEach (pkgs: {
        package = pkgs.callPackage ./nix/package.nix { withUnitTests = true; };
        vm = import ./nix/vm-test.nix {
          inherit pkgs;
          module = self.nixosModules.default;
        };
      });

      # nixfmt alone reads stdin where nix fmt names no file.
      formatter = forEach (pkgs: pkgs.nixfmt-tree or pkgs.nixfmt-rfc-style);

      devShells = forEach (pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ (pkgs.callPackage ./nix/package.nix { }) ];
          packages = with pkgs; [
            bats
            clang-tools
            cmocka
            fish
            git
            hyperfine
            nix
            procps
            python3
            shellcheck
            spin
            util-linux
            zsh
          ];
        };
      });
    };
}
