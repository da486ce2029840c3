{
  outputs = { self }: {
    nixosConfigurations.box = import ./system.nix {
      modules = import ./modules;
    };
  };
}
