# libgit2 is built without HTTPS and SSH: safe-rebuild never talks to a network, and with
# OpenSSL every command would read the machine's certificates first, which takes longer than
# all the rest of it.
{
  lib,
  stdenv,
  meson,
  ninja,
  pkg-config,
  scdoc,
  libgit2,
  inih,
  jansson,
  zlib,
  cmocka,
  git,
  python3,
  # Whether the unit tests are run.
  withUnitTests ? false,
  # The nixos-rebuild that is run where the settings name none.
  nixosRebuild ? null,
}:

let
  localLibgit2 = libgit2.overrideAttrs (old: {
    pname = "libgit2-local";
    cmakeFlags = (old.cmakeFlags or [ ]) ++ [
      "-DUSE_HTTPS=OFF"
      "-DUSE_SSH=OFF"
    ];
    doCheck = false;
  });
in
stdenv.mkDerivation {
  pname = "safe-rebuild";
  version = lib.head (builtins.match ".*version: '([0-9.]+)'.*" (builtins.readFile ../meson.build));
  src = lib.cleanSource ../.;

  strictDeps = true;
  nativeBuildInputs = [
    meson
    ninja
    pkg-config
    scdoc
  ];
  buildInputs = [
    localLibgit2
    inih
    jansson
    zlib
  ];

  # All other tests build and activate systems with Nix: tests/run does that, outside of a sandbox.
  doCheck = withUnitTests;
  nativeCheckInputs = [
    cmocka
    git
    python3
  ];
  mesonCheckFlags = [
    "--suite"
    "unit"
  ];
  mesonFlags = [
    (if withUnitTests then "-Dtests=auto" else "-Dtests=disabled")
  ] ++ lib.optional (nixosRebuild != null) "-Dnixos-rebuild=${nixosRebuild}/bin/nixos-rebuild";

  meta = {
    description = "Queues, records and explains nixos-rebuild for several agents and people";
    license = lib.licenses.mit;
    platforms = lib.platforms.linux;
    mainProgram = "safe-rebuild";
  };
}
