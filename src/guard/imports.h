#pragma once
/*
 * Lines that import files of the configuration ("./modules/web.nix" in a list). Without
 * its import all that a file says is gone, so that taking the line out takes away the
 * work of everybody who wrote in that file.
 */
#include "guard/court.h"

/* Whether the text may name the path: it has its last part, of "web/default.nix" "web".
 */
bool text_names_path(const char *text, const char *path);

/* Gives lost imports to the last step of somebody else that changed the file, unless a
 * new line names the file or its directory, or the file has moved. One that mine has in
 * another place, or with the new name of the file, has moved. */
void imports_attribute(struct court *court);
