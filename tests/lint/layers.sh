#!/bin/bash
# layers.sh - the order of folders, cycles between files, which file may include which library, purity of
# core/, and what every file must say of itself.  Each check prints "ok" or "not ok" with the offenders.
# usage: tests/lint/layers.sh BUILD-DIR
set -u
build=${1:-build}
cd "$(dirname "$0")/../.." || exit 1
layers='base core sys io dns tls acme run cmd'
fails=0
n=0

# verdict NAME TEXT: ok if TEXT is empty
verdict() {
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		printf '%s\n' "$2" | sed 's/^/# /'
		fails=$((fails + 1))
	fi
}

rank() {
	local i=0 l
	for l in $layers; do
		i=$((i + 1))
		[ "$l" = "$1" ] && { echo $i; return; }
	done
	echo 99
}

# which layers a folder may not use although they are to its left: sys knows nothing of decisions
forbidden='sys:core'

bad=
while IFS=: read -r file line; do
	inc=${line#*\"}; inc=${inc%%\"*}
	from=$(basename "$(dirname "$file")"); to=${inc%%/*}
	[ "$file" = src/main.c ] && continue
	[ -e "src/$inc" ] || bad="$bad$file includes \"$inc\", which is not a path under src/"$'\n'
	[ "$(rank "$to")" -le "$(rank "$from")" ] || bad="$bad$file ($from) includes $inc"$'\n'
	case " $forbidden " in *" $from:$to "*) bad="$bad$file ($from) must not know $to: $inc"$'\n' ;; esac
done < <(grep -rHE '^#include "' src)
verdict 'a file includes its own folder or those to its left' "${bad%$'\n'}"

# cycles between modules (a .c and its .h are one, and so are the parts of run/config): tsort complains about loops
bad=$(grep -rHE '^#include "' src | sed -E 's,^src/([^:]*)\.[ch]:#include "(.*)\.h",\1 \2,' |
	sed -E 's,run/(config|engine|respond|doctor)_[a-z]+,run/\1,g' | awk '$1 != $2' | sort -u | tsort 2>&1 > /dev/null | grep -v '^$' | head -20)
verdict 'no cycles between modules' "$bad"

# library headers, and the one file that may have them
allowed='jansson.h src/io/json.c
ini.h src/io/ini.c
idn2.h src/io/idn.c
openssl/ src/io/crypto.c src/io/crypto_parts.h src/io/jose.c src/io/presented.c src/io/request.c src/io/tls.c
curl/ src/io/http.c
unbound.h src/io/validator.c
ldns/ src/io/dnsmsg.c src/io/dnsupdate.c'
bad=
while read -r header files; do
	# shellcheck disable=SC2086 # words are meant
	found=$(grep -rlE "^#include <$header" src | grep -vxF "$(printf '%s\n' $files)")
	[ -z "$found" ] || bad="$bad$found includes <$header...>, which belongs to $files"$'\n'
	for file in $files; do
		grep -qE "^#include <$header" "$file" || bad="$bad$file does not use <$header...> any more"$'\n'
	done
done <<< "$allowed"
verdict 'one library, one file' "${bad%$'\n'}"

bad=$(grep -rHE '^#include <' src/base src/core | grep -v '^src/base/banned.h' |
	grep -vE '<(errno|stdarg|stdbool|stddef|stdint|inttypes|limits|ctype|strings)\.h>')
verdict 'base/ and core/ include plain C headers only' "$bad"

# core/ linked against base/ and libc alone, and calling nothing of the system
bad=
if ls "$build"/obj/core/*.o > /dev/null 2>&1; then
	defined=$(nm --defined-only -g "$build"/obj/core/*.o "$build"/obj/base/*.o | awk 'NF == 3 { print $3 }' | sort -u)
	bad=$(nm -u "$build"/obj/core/*.o | awk 'NF == 2 { print $2 }' | sort -u | grep -vxF "$defined" |
		grep -vxE 'free|qsort|bsearch|mem(cpy|move|set|cmp)|str(cmp|ncmp|len|chr|spn|cspn|str|nlen|casecmp|ncasecmp)|(__)?snprintf(_chk)?|__(mem|str).*_chk|__stack_chk_fail|__isoc99_sscanf|strtoul|tolower|__ctype_.*|_GLOBAL_OFFSET_TABLE_|__(a|ub|t)san_.*')
else
	bad="no objects in $build/obj/core: build first"
fi
verdict 'core/ is pure: base/ and string functions only' "$bad"

bad=$(grep -rnE '\b(time|clock_gettime|gettimeofday)\(' src --include=*.c | grep -v '^src/sys/clock.c')
verdict 'only sys/clock reads the clock' "$bad"

bad=$(grep -rnE '\b(printf|puts|putchar|fwrite)\(' src/base src/core src/sys src/io src/run --include=*.c |
	grep -vE 'src/base/mem.c|[a-z]s?n?printf\(|dprintf')
verdict 'only cmd/ prints results' "$bad"

bad=
for f in src/*/*.c src/main.c; do
	head -12 "$f" | grep -q "^/\* $(basename "$f") - " || bad="$bad$f does not open with what it owns"$'\n'
	sed -n 1,40p "$f" | grep -q 'Touches:' || bad="$bad$f has no line \"Touches:\""$'\n'
done
verdict 'every file says what it owns and what it touches' "${bad%$'\n'}"

# over characters and numbers there is no other way
bad=$(grep -rnE '^\s+default:' src --include=*.c | grep -vE '^src/(io/json|core/tlsa|dns/ask)\.c:')
verdict 'no default: in a switch' "$bad"

bad=$(awk '!/^\t\{ / && length($0) > 110 { print FILENAME ":" FNR ": " length($0) " bytes" }' src/*/*.[ch])
verdict 'lines stay readable' "$bad"

echo "1..$n"
[ "$fails" -eq 0 ]
