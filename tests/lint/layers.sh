#!/usr/bin/env bash
# layers.sh SOURCE_ROOT: a file under src/ includes only headers of its own folder and of the
# folders before it in this list; every folder is in the list.
set -euo pipefail

layers=(base settings record caller rebuild queue ledger snapshot changes guard run hook commands)
cd "$1/src"
failed=0

rank() {
	local i
	for i in "${!layers[@]}"; do
		if [ "${layers[i]}" = "$1" ]; then
			echo "$i"
			return
		fi
	done
	echo "src/$1 is not in the list of layers" >&2
	return 1
}

while IFS=: read -r file include; do
	header=${include#*\"}
	header=${header%\"*}
	if [ ! -e "$header" ]; then
		echo "$file: includes \"$header\", which is not a path below src/"
		failed=1
		continue
	fi
	case $file in
	*/*) own=$(rank "${file%%/*}") ;;
	*) own=${#layers[@]} ;; # main.c may use everything
	esac
	if [ "$(rank "${header%%/*}")" -gt "$own" ]; then
		echo "$file: includes \"$header\" of a higher layer"
		failed=1
	fi
done < <(grep -rHo --include='*.[ch]' '^#include "[^"]*"' . | sed 's|^\./||')
exit $failed
