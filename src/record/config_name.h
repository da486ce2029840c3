#pragma once
/*
 * The names under which configurations are recorded ("git+file:///etc/nixos?dir=x#host",
 * "path:/etc/nixos", "/etc/nixos/configuration.nix", a URL), and the directories they are
 * in.
 */
#include "record/build.h"

/* The directory of a configuration on this machine; in git, the checkout's root.
 * The caller frees; NULL: it is not on this machine. */
char *config_directory(const char *config) _must_check_;

/* Whether both configurations lie in the same directory. */
bool config_is_beside(const char *config, const char *other);

/* The machine (the attribute behind '#') that the configuration is of, where mine is of
 * another; NULL: the same, or not known. */
const char *config_other_machine(const char *config, const char *mine);

/* The git checkout that a build was made from, if it still exists. The caller frees;
 * NULL: none. */
char *checkout_of_build(const struct build *build) _must_check_;
