#pragma once
/*
 * What a flake.nix says of its own source: `inputs.self.submodules = true;`, as Nix takes
 * it since 2.27 ("nix flake --help", self-attributes). It must stand there literally, so
 * it is found without evaluating anything.
 */
#include "base/macro.h"

/* Whether the flake.nix in this directory asks for the content of submodules. */
bool flake_asks_for_submodules(const char *directory);
