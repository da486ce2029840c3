import ./system.nix {
  modules = [
    (import ./web.nix)
  ];
}
