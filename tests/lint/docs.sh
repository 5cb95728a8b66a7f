#!/bin/bash
# docs.sh - do README, manuals, samples and contrib say what the program does?  Both ways: what there is is
# described, and what is described is there.  Prints TAP; the offenders stand under a "not ok".
#
# usage: tests/lint/docs.sh [PROGRAM]           (default: build/certline)
#        tests/lint/docs.sh --bite [PROGRAM]    some minutes: breaks copies of the documents in many ways,
#                                               each of which its check must notice
set -u
umask 022
export LC_ALL=C
unset CERTLINE_CONFIG
cd "$(dirname "$0")/../.." || exit 1
bite=
if [ "${1:-}" = --bite ]; then
	bite=yes
	shift
fi
program=$(realpath -q "${1:-build/certline}")
if [ ! -x "$program" ]; then
	echo "not ok 1 - there is no program ${1:-build/certline}"
	exit 1
fi
tmp=$(mktemp -d "${TMPDIR:-/tmp}/certline-docs.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
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

# compare A LIST B LIST: what is in one list and not in the other.  An empty list is an error of this script.
compare() {
	[ -n "$2" ] || echo "nothing found: $1"
	[ -n "$4" ] || echo "nothing found: $3"
	comm -23 <(grep . <<< "$2" | sort -u) <(grep . <<< "$4" | sort -u) | sed "s|^|$1, but not $3: |"
	comm -13 <(grep . <<< "$2" | sort -u) <(grep . <<< "$4" | sort -u) | sed "s|^|$3, but not $1: |"
}

# part FILE HEADING: the lines of a manual under the headings that match, up to the next one of that rank
part() {
	awk -v want="$2" '/^\.Sh / { on = $0 ~ "^\\.Sh " want "$"; next } on' "$1"
}

# --- the program's side ---------------------------------------------------------------------------

# values FILE...: "section/key<TAB>value<TAB>origin" of every option, for the one line in the files
values() {
	local f args=()
	for f in "$@"; do args+=(-c "$f"); done
	# plain.conf says nothing of challenges, as it says nothing of anything
	"$program" "${args[@]}" config --json 2> >(grep -v '"plain" has issuer = acme, but no way' >&2) | awk '
		function text() { sub(/^ *"[a-z]+": "?/, ""); sub(/"?,?$/, ""); return $0 }
		/^ *"section":/ { section = text() }
		/^ *"key":/ { key = text() }
		/^ *"value":/ { value = text() }
		/^ *"origin":/ { print section "/" key "\t" value "\t" text() }'
}

# complaints FILE...: what the program says about these files
complaints() {
	local f args=()
	for f in "$@"; do args+=(-c "$f"); done
	{ "$program" "${args[@]}" config > /dev/null; } 2>&1
}

# problems TEXT: what it says about TEXT as certline.conf
problems() {
	printf '%b\n' "$1" > "$tmp/certline.conf"
	complaints "$tmp/certline.conf" "$tmp/plain.conf"
}

echo 'domains = mx.example.org' > "$tmp/plain.conf"
values "$tmp/plain.conf" > "$tmp/defaults"
options=$(cut -f1 "$tmp/defaults")
commands=$("$program" --help | awk '/^Commands/ { on = 1; next } on && !NF { exit } on { print $1 }')

# help [COMMAND]: "-c, --config FILE|DIR" and so on
help() {
	"$program" "$@" --help | awk '/^Options:/ { on = 1; next } on && !NF { exit }
		on { sub(/^ +/, ""); sub(/  .*/, ""); if (length($0) > 22 && !/ /) sub(/ .*/, ""); print }'
}

# --- the manuals' side ----------------------------------------------------------------------------

conf5=man/certline.conf.5
main8=man/certline.8
hooks7=man/certline-hooks.7

# "section/key<TAB>form<TAB>text" of every option in certline.conf.5, the text in one line
awk '
	function out() { if (key != "") print section "/" key "\t" form "\t" text; key = "" }
	/^\.Sh / { out(); on = 0 }
	/^\.Sh OPTIONS BEFORE THE FIRST SECTION$/ { on = 1; section = "" }
	/^\.Sh \[[a-z]+\] OPTIONS$/ { on = 1; section = substr($2, 2, length($2) - 2) }
	on && /^\.It Ic / { out(); key = $3; form = $0; sub(/.* = /, "", form); text = ""; next }
	{ sub(/^\.(Cm|Ic|Ql|Pa|Ar) /, ""); text = text " " $0 }
	END { out() }' "$conf5" > "$tmp/conf5"

# the same of the sample file: "section/key<TAB>sign<TAB>value", sign # for a default, "# " for an example
awk '/^\[/ { section = substr($1, 2, length($1) - 2) }
	/^# ?[a-z-]+ =/ { sign = /^# / ? "# " : "#"; line = $0; sub(/^# ?/, "", line); key = line
		sub(/ =.*/, "", key); sub(/^[^=]*= ?/, "", line); print section "/" key "\t" sign "\t" line }' \
	conf/certline.conf > "$tmp/sample"

# --- certline.conf(5) and conf/certline.conf --------------------------------------------------------

verdict 'every option is in certline.conf(5), and no other' \
	"$(compare 'in the program' "$options" "in $conf5" "$(cut -f1 "$tmp/conf5")")"
verdict 'every option is in conf/certline.conf, and no other' \
	"$(compare 'in the program' "$options" 'in conf/certline.conf' "$(cut -f1 "$tmp/sample")")"
verdict 'conf/certline.conf as installed changes nothing' \
	"$(cp conf/certline.conf "$tmp/certline.conf"
	values "$tmp/certline.conf" "$tmp/plain.conf" 2>&1 | diff "$tmp/defaults" - |
		grep '^[<>]')"

# what holds without being said; some defaults are words
literal=$(awk -F '\t' '$3 == "default" && $2 != "null" && $1 !~ "^(/name|timing/(staging|rollback-window)|dane/verify|endpoints/(look|unreachable)|dns/resolver)$"' "$tmp/defaults")
check_defaults() {
	compare 'has a default' "$(cut -f1 <<< "$literal")" 'given as "#key = value" in conf/certline.conf' \
		"$(awk -F '\t' '$2 == "#" { print $1 }' "$tmp/sample")"
	sed -E 's/^#([a-z-]+ =)/\1/' conf/certline.conf > "$tmp/certline.conf"
	values "$tmp/certline.conf" "$tmp/plain.conf" 2>&1 | cut -f1,2 | diff <(cut -f1,2 "$tmp/defaults") - |
		grep '^[<>]'
}
verdict 'the defaults in conf/certline.conf are the real ones' "$(check_defaults)"

# examples PATTERN: those whose keys match and may stand among defaults, active; key-group needs a group
examples() {
	awk -v want="^($1)\$" '
		/^\[/ { print }
		/^# [a-z-]+ =/ { take = $2 ~ want && $2 !~ /^(name|domains|owners|key-group)$/
			if (take) print substr($0, 3); next }
		/^#   / && take { print substr($0, 2); next }
		{ take = 0 }' conf/certline.conf
}
check_examples() {
	local rivals='key-length|.*-days|.*-hours' all
	all=$(sed -nE 's/^# ([a-z-]+) =.*/\1/p' conf/certline.conf)
	printf 'domains = mx.example.org\n[dane]\nowners = _25._tcp.mx.example.org\n[hooks]\npost-keychange = /x\npost-certchange = /y\n[acme]\nchallenge-dir = /z\n' > "$tmp/line.conf"
	examples "$rivals" > "$tmp/certline.conf"
	complaints "$tmp/certline.conf" "$tmp/line.conf"
	examples "$(grep -vxE "$rivals" <<< "$all" | paste -s -d '|')" > "$tmp/certline.conf"
	complaints "$tmp/certline.conf" "$tmp/line.conf"
	{
		grep -E '^# (name|domains) =' conf/certline.conf
		printf '[acme]\nchallenge-dir = /z\n[hooks]\npost-keychange = /x\npost-certchange = /y\n[dane]\n'
		grep -E '^# owners =' conf/certline.conf
	} | sed 's/^# //' > "$tmp/line.conf"
	complaints "$tmp/line.conf"
	grep -q "^g $(sed -n 's/^# key-group = //p' conf/certline.conf) " contrib/sysusers.d/certline.conf ||
		echo 'the key-group of the example is not the group in contrib/sysusers.d'
}
verdict 'the examples in conf/certline.conf are accepted' "$(check_examples)"

check_documented_defaults() {
	local option form text said real
	while IFS=$'\t' read -r option form text; do
		said=$(sed -nE 's/.* Default: (([^.]|\.[^ ])*)\.( .*|$)/\1/p' <<< "$text")
		real=$(awk -F '\t' -v o="$option" '$1 == o && $2 == "#" { print $3 }' "$tmp/sample")
		[ -n "$real" ] || case $option in
		/name | timing/staging | timing/renew-before | timing/rollback-window | acme/challenges | dane/publish | \
			dane/verify | endpoints/look | endpoints/starttls | endpoints/xmpp-domain | endpoints/unreachable | \
			dns/resolver)
			real=${said:-words}
			;;
		*) real=none ;;
		esac
		case $said in
		"$real" | "$real;"*) ;;
		*) echo "$option: the manual says \"$said\", it is \"$real\"" ;;
		esac
	done < "$tmp/conf5"
}
verdict 'the defaults in certline.conf(5) are the real ones' "$(check_documented_defaults)"

# seconds DURATION-OR-NUMBER UNIT
seconds() {
	local number=${1%[smhdwy]} unit=${1##*[0-9]}
	case ${unit:-$2} in
	s) echo "$number" ;;
	m) echo $((number * 60)) ;;
	h | hours) echo $((number * 3600)) ;;
	d | days) echo $((number * 86400)) ;;
	w) echo $((number * 604800)) ;;
	y) echo $((number * 31536000)) ;;
	*) echo "?$1" ;;
	esac
}

# limits OPTION TOO-MUCH TOO-LITTLE: what the program names, in seconds, as "MIN MAX"; no MIN is 0
limits() {
	local section=${1%/*} key=${1#*/} value out bound
	for value in "$3" "$2"; do
		out=$(problems "[$section]\n$key = $value")
		bound=$(sed -nE 's/.* at (least|most) ([0-9]+[a-z]).*/\2/p' <<< "$out")
		seconds "${bound:-0s}" ''
	done | paste -s -d ' '
}
check_limits() {
	local option form text from to unit
	while IFS=$'\t' read -r option form text; do
		case $form in
		*'Ar duration'*) unit=s ;;
		*'Ar number'*) unit=${option##*-} ;;
		*) continue ;;
		esac
		read -r from to < <(sed -nE 's/.* From ([0-9a-z]+) to ([0-9a-z]+)\..*/\1 \2/p' <<< "$text")
		[ -n "${to:-}" ] || { echo "$option: no \"From X to Y.\""; continue; }
		if [[ $option =~ ^(acme|dns)/ && $unit != s ]]; then
			[ "$(problems "[${option%/*}]\n${option#*/} = x" | sed -nE 's/.*whole number (from [0-9]+ to [0-9]+).*/\1/p')" = "from $from to $to" ] ||
				echo "$option: the manual says from $from to $to, the program does not"
			continue
		fi
		case $unit in
		s) real=$(limits "$option" 1000y 0s) ;;
		*) real=$(limits "$option" 1000000 0) ;;
		esac
		[ "$(seconds "$from" "$unit") $(seconds "$to" "$unit")" = "$real" ] ||
			echo "$option: the manual says from $from to $to, the program has $real seconds"
	done < "$tmp/conf5"
}
verdict 'the limits in certline.conf(5) are the real ones' "$(check_limits)"

check_own_file() {
	local refused
	while IFS=/ read -r section key; do
		problems "${section:+[$section]\n}$key = x" |
			grep -q "belongs in a line's own file" && echo "$section/$key"
	done <<< "$options" > "$tmp/refused"
	refused=$(cat "$tmp/refused")
	compare 'refused among the defaults' "$refused" 'said to be' \
		"$(awk -F '\t' '$3 ~ /Only in a line.s own file/ { print $1 }' "$tmp/conf5")"
}
verdict "certline.conf(5) says what belongs in a line's own file" "$(check_own_file)"

# In the manual: what follows Cm in the head of the option, and the items and lines with Cm in its text.
check_words() {
	local option section key
	for option in /issuer /key-types acme/challenges acme/challenge-dialect acme/bootstrap dane/publish notify/events; do
		section=${option%/*} key=${option#*/}
		compare "accepted for $key" "$(problems "${section:+[$section]\n}$key = zzz" |
			sed -n 's/.* is not one of //p' | sed 's/, */\n/g')" "in $conf5" \
			"$(awk -v key="$key" '
				/^\.It Ic / { on = $3 == key; if (on && sub(/.* = Cm /, "")) { gsub(/[|.]/, ""); print } next }
				on && /^\.(Pq )?Cm / { sub(/^\.(Pq )?Cm /, ""); sub(/ [,.]$/, ""); print }
				on && /^\.It Cm / { print $3 }' "$conf5" | tr -s ' ' '\n' | grep .)"
	done
}
verdict 'the words that an option takes are in certline.conf(5)' "$(check_words)"

# --- certline(8) ------------------------------------------------------------------------------------

verdict 'every command is in certline(8), and no other' \
	"$(compare 'in --help' "$commands" "in $main8" "$(part "$main8" COMMANDS | sed -n 's/^\.It Cm \([a-z]*\).*/\1/p')")"

# "COMMAND OPTION" for each option that the manual lists for it
part "$main8" OPTIONS | awk -v all="$(paste -s -d ' ' <<< "$commands")" '
	/^\.Ss Options of all commands/ { who = all; next }
	/^\.Ss / { who = $0; sub(/.*Options of /, "", who); gsub(/,| and/, "", who); next }
	/^\.It Fl / { sub(/^\.It Fl /, ""); sub(/ , Fl -/, ", --"); sub(/^-/, "--"); sub(/ Ar /, " ")
		if (!/^-/) $0 = "-" $0
		k = split(who, w, " "); for (i = 1; i <= k; i++) print w[i] ": " $0 }' > "$tmp/options8"
check_options() {
	local c
	for c in $commands; do
		compare "in \"$c --help\"" "$(help "$c")" "in $main8" "$(sed -n "s/^$c: //p" "$tmp/options8")"
	done
	compare 'in --help' "$(help)" "in $main8" "$(sed 's/^[^:]*: //' "$tmp/options8")"
}
verdict 'every option of every command is in certline(8), and no other' "$(check_options)"

verdict 'every exit status is in certline(8), and no other' \
	"$(compare 'in --help' "$("$program" --help | tr '\n' ' ' | sed 's/.*Exit status: //; s/\. .*//' | tr ';' '\n' | awk '{ print $1 }')" \
		"in $main8" "$(part "$main8" 'EXIT STATUS' | sed -n 's/^\.It //p')")"

# names ENUM: what rollover.c calls phases or steps
names() {
	awk -v start="$1_names[] = " 'index($0, start) { on = 1 } on { print } on && /};/ { exit }' src/core/rollover.c |
		grep -oE '"[a-z ]+"' | tr -d '"' | grep -vx nothing
}
verdict 'every phase and every step is in certline(8), and no other' "$(
	part "$main8" PHASES | awk '/^\.Bl/ { list++ } /^\.It Cm/ { sub(/^\.It Cm /, ""); print list "\t" $0 }' > "$tmp/phases"
	compare 'a phase' "$(names phase)" "in $main8" "$(sed -n 's/^1\t//p' "$tmp/phases")"
	compare 'a step' "$(names step)" "in $main8" "$(sed -n 's/^2\t//p' "$tmp/phases")")"

verdict 'every format of tlsa is in certline(8), and no other' \
	"$(compare 'accepted' "$("$program" tlsa --format zzz 2>&1 | sed -n 's/.*one of //p' | sed 's/, */\n/g')" "in $main8" \
		"$(awk '/^\.It Fl -format/ { on = 1; next } /^\.It Fl/ { on = 0 } on && /^\.It Cm/ { print $3 }' "$main8")")"

# shellcheck disable=SC2016 # quotes
verdict 'every word that check says is in certline(8), and no other' \
	"$(compare 'in the program' "$(cat src/run/doctor*.c src/cmd/check.c | tr -d '\n' |
		grep -oE '(doctor_add\([^"]*|code = |\[PROBE_[A-Z_]+\] = )"[a-z0-9-]+"' | sed 's/"$//; s/.*"//')" "in $main8" \
		"$(awk '/^\.It Cm / { on = $3 == "check" } on && sub(/^\.Li /, "")' "$main8" | tr -d ',' | tr -s ' ' '\n')")"

# --- certline-hooks(7) ------------------------------------------------------------------------------

verdict 'every event is in certline-hooks(7), and no other' \
	"$(compare 'in hook.h' "$(sed -n 's/^#define HOOK_[A-Z]* *"\(.*\)"/\1/p' src/run/hook.h)" "in $hooks7" \
		"$(part "$hooks7" EVENTS | sed -n 's/^\.It Cm //p')")"

# A life with everything in it, and a hook that writes down what it gets.
cat > "$tmp/witness" << END
#!/bin/sh
tr '\0' '\n' < /proc/\$\$/environ | sed 's/=.*//' >> $tmp/env
cat >> $tmp/input
END
chmod 755 "$tmp/witness"
cat > "$tmp/mx.conf" << END
domains = mx.example.org
issuer = self
[hooks]
post-certchange = $tmp/witness
post-keychange = $tmp/witness
[dane]
owners = _25._tcp.mx.example.org
verify = no
include-file = $tmp/mx.tlsa
[dirs]
state = $tmp/state
END
while read -r day command; do
	"$program" -q -c "$tmp/mx.conf" --now "$day" "$command" >> "$tmp/life" 2>&1 || echo "$command failed" >> "$tmp/life"
done << 'END'
2027-01-01 init
2027-02-01 roll
2027-02-04 cron
2027-02-08 cron
END
touch "$tmp/env" "$tmp/input"
environment=$(part "$hooks7" 'WHAT A HOOK GETS' | sed -n 's/^\.It Ev //p')
verdict 'every environment variable is in certline-hooks(7), and no other' "$(cat "$tmp/life"
	compare 'set in hook.c' "$(grep -oE '(env_add\(env, "[A-Z_]+"|strv_add\(env, "[A-Z_]+=)' src/run/hook.c |
		sed 's/^[^"]*"//; s/["=]$//')" "in $hooks7" "$environment"
	compare 'seen by a hook' "$(cat "$tmp/env")" "in $hooks7" "$environment")"

members=$(part "$hooks7" 'WHAT A HOOK GETS' | sed -nE 's/^\.(It )?Va //p' | tr -d ' .' | tr , '\n')
example=$(part "$hooks7" 'WHAT A HOOK GETS' | awk '/^\.Bd/ { on = 1 } /^\.Ed/ { on = 0 } on' | grep -oE '"[a-z_0-9]+":' | tr -d '":')
verdict 'every member of the JSON input is in certline-hooks(7), and no other' "$(
	compare 'put in hook.c' "$(grep -oE '(json_put[a-z_]*|put_[a-z]+)\([a-z]+, "[a-z_0-9]+"' src/run/hook.c | sed 's/.* "//; s/"//')" \
		"in $hooks7" "$members"
	compare 'seen by a hook' "$(grep -oE '"[a-z_0-9]+":' "$tmp/input" | tr -d '":')" "in $hooks7" "$members"
	compare 'in the example' "$example" "in $hooks7" "$members")"

# Challenge hooks: what respond_hook.c puts into their input and environment, by dialect.
part "$hooks7" 'CHALLENGE HOOKS' > "$tmp/challenge"
verdict 'what challenge hooks get is in certline-hooks(7), and nothing else' "$(
	compare 'put in respond_hook.c' "$(grep -oE 'json_put[a-z_]*\([a-z]+, "[a-z_0-9]+"' src/run/respond_hook.c | sed 's/.* "//; s/"//')" \
		"a member in $hooks7" "$(sed -nE 's/^\.It Va //p' "$tmp/challenge" | tr -d ' ' | tr , '\n')"
	compare 'set in respond_hook.c' "$(grep -oE 'env_add\(&?k, "[A-Z_]+"' src/run/respond_hook.c | sed 's/.* "//; s/"//')" \
		"a variable in $hooks7" "$(sed -nE 's/^\.(It )?Ev //p' "$tmp/challenge" | tr -d ' .' | tr , '\n')"
	compare 'a dialect' "$(problems '[acme]\nchallenge-dialect = zzz' | sed -n 's/.* is not one of //p' | sed 's/, */\n/g')" \
		"in $hooks7" "$(echo native; awk '/^\.Ss Dialects/ { on = 1 } on && /^\.It Cm / { print $3 }' "$tmp/challenge")")"

ready=$(find hooks -maxdepth 1 -type f ! -name '.*' -printf '%f\n')
part "$hooks7" 'READY HOOKS' > "$tmp/ready"
check_ready() {
	compare 'in hooks/' "$ready" "in $hooks7" "$(sed -nE 's/^\.It (Pa|Nm) ([a-z-]+).*/\2/p' "$tmp/ready")"
	compare 'an option of a ready hook' "$(for h in $ready; do "hooks/$h" --help 2> /dev/null < /dev/null; done |
		grep -oE '(^|[ [])--[a-z-]+' | grep -oE -- '--[a-z-]+' | grep -vxe --help)" "in $hooks7" \
		"$(grep -oE '(^\.It |[ (])Fl -[a-z-]+' "$tmp/ready" | sed 's/.*Fl -/--/' | grep -vxe --help)"
}
verdict 'every ready hook and its options are in certline-hooks(7), and no other' "$(check_ready)"

# --- set-ups that are shown ---------------------------------------------------------------------------

for f in conf/samples/*.conf; do
	cp "$f" "$tmp/sample.conf"
	verdict "$f is accepted, without warnings" "$(complaints "$tmp/sample.conf")"
done

# set_up NAME FILE: moves all paths of a line into a scratch folder, with hooks that do nothing, and takes
# the line through its first rollover.
set_up() {
	local d=$tmp/set-up-$1 path day before
	mkdir -p "$d"
	# there is no DNS here, where anything could be looked up
	sed -E "/^ *#/!s#(^|[ =])/#\1$d/#g; s/^owners =.*/verify = no\n&/" "$2" > "$d/$1.conf"
	printf '[dirs]\nstate = %s/state\n' "$d" > "$d/certline.conf"
	while read -r path; do
		mkdir -p "$(dirname "$path")"
		printf '#!/bin/sh\nexit 0\n' > "$path"
		chmod 755 "$path"
	done < <(grep -oE "$d/[^ ]*(/hooks/|-hook)[^ ]*" "$d/$1.conf")
	mkdir -p "$(dirname "$(sed -n 's/^include-file = //p' "$d/$1.conf")")"
	"$program" -q -c "$d" --now 2027-01-01 init 2>&1 || echo 'init failed'
	before=$("$program" -c "$d" tlsa)
	[ -n "$before" ] || echo 'no records'
	[ "$before" = "$(grep -v '^;' "$(sed -n 's/^include-file = //p' "$d/$1.conf")")" ] || echo 'another set in the include file'
	for day in 2027-03-03 2027-05-03 2027-07-03 2027-09-03 2027-11-03 2028-01-03 2028-01-07 2028-01-11; do
		"$program" -q -c "$d" --now $day cron 2>&1 || echo "cron failed on $day"
	done
	"$program" -q -c "$d" --now 2028-01-11 status || echo 'status is not content'
	[ -n "$(comm -23 <(sort <<< "$before") <("$program" -c "$d" tlsa | sort))" ] || echo 'no rollover in a year'
}

active() {
	grep -cvE '^ *([#;]|$)' "$1"
}

awk '/^```ini/ { on = 1; next } /^```/ { if (on) exit } on' README.md > "$tmp/readme.conf"
check_readme_set_up() {
	[ "$(active "$tmp/readme.conf")" -lt 10 ] || echo 'ten lines or more'
	complaints "$tmp/readme.conf"
	set_up mx "$tmp/readme.conf"
	# what is written around it must fit
	# shellcheck disable=SC2016 # a backtick
	grep -q '`/etc/certline/mx.conf`' README.md || echo 'the file has another name'
	grep -qF "\$INCLUDE $(sed -n 's/^include-file = //p' "$tmp/readme.conf")" README.md || echo 'the zone file takes in another file'
	grep -q '/var/lib/certline/lines/mx/live/combined.pem' README.md || echo 'the servers read another line'
}
verdict 'the first set-up in the README works' "$(check_readme_set_up)"
verdict 'conf/samples/dane-mail.conf works, in less than ten lines' \
	"$([ "$(active conf/samples/dane-mail.conf)" -lt 10 ] || echo 'ten lines or more'
	set_up dane-mail conf/samples/dane-mail.conf)"
verdict 'conf/samples/web-and-mail.conf works' "$(set_up web-and-mail conf/samples/web-and-mail.conf)"

# every whole file that certline.conf(5) shows
check_conf5_examples() {
	awk -v d="$tmp" '/^\.Bd -literal/ { f = d "/shown" ++k ".conf"; next } /^\.Ed/ { f = "" } f { print > f }' "$conf5"
	complaints "$tmp/shown1.conf"
	cp "$tmp/shown2.conf" "$tmp/certline.conf"
	complaints "$tmp/certline.conf" "$tmp/plain.conf"
	cp "$tmp/shown4.conf" "$tmp/certline.conf"
	complaints "$tmp/certline.conf" "$tmp/shown5.conf"
	complaints "$tmp/shown6.conf"
}
verdict 'the examples in certline.conf(5) are accepted' "$(check_conf5_examples)"

# --- what is mentioned is there -----------------------------------------------------------------------

if command -v mandoc > /dev/null; then
	verdict 'mandoc has nothing to warn of' "$(for f in man/*; do mandoc -T lint -W warning "$f"; done 2>&1)"
else
	verdict 'mandoc has nothing to warn of' 'mandoc is not installed'
fi

check_links() {
	local path
	while read -r path; do
		[ -e "$path" ] || echo "README.md: a link to $path"
	done < <(grep -oE '\]\([^)#]+' README.md | sed 's/^](//' | grep -vE '^[a-z]+:')
	# shellcheck disable=SC2016 # backticks
	while read -r path; do
		[ -e "$path" ] || echo "README.md: $path"
	done < <(grep -oE '`(src|tests|man|conf|contrib|hooks|\.ci)/[^` ]*' README.md | tr -d '`'
		grep -oE '(^| )(man|conf|contrib)/[a-z./-]+[a-z0-9]' README.md | tr -d ' ')
	while read -r path; do
		[ -e "man/$path" ] || echo "there is no manual $path"
	done < <(cat man/* | sed -nE 's/^\.Xr (certline[a-z.-]*) ([0-9]).*/\1.\2/p'
		cat README.md conf/*.conf conf/samples/* contrib/*/* src/*/*.c |
			grep -oE 'certline[a-z.-]*\([0-9]\)' | sed 's/(\(.\))/.\1/')
	[ "$(wc -l < README.md)" -lt 180 ] || echo 'README.md has 180 lines or more'
	while read -r path; do
		[[ $path == /usr/local/share/certline/hooks/* ]] || { echo "a ready hook at $path"; continue; }
		[ -e "hooks/${path##*/}" ] || echo "there is no ready hook $path"
	done < <(cat README.md man/* conf/*.conf conf/samples/* | grep -oE '/usr[a-z/]*/certline/hooks/[a-z-]+' | sort -u)
}
verdict 'files, manuals and hooks that are mentioned are there' "$(check_links)"

# shellcheck disable=SC2016 # backticks
verdict 'make targets that the README names are there' \
	"$(grep -oE '(`|^ +)make [a-z]+' README.md | awk '{ print $NF }' | sort -u | while read -r t; do
		grep -qE "^$t( |:)|^\.PHONY:.* $t( |$)" Makefile || echo "make $t"
	done)"

# Calls of the program: in literal text of manuals, in code of the README, in contrib and conf.
# shellcheck disable=SC2016 # backticks and dollars are meant
calls() {
	awk '/^\.(Ql|Dl) / { sub(/^\.(Ql|Dl) /, ""); print; next }
		/^\.Bd -literal/ { on = 1; next } /^\.Ed/ { on = 0 } on' man/* | grep -oE '(^|[ "(/])("?\$CERTLINE"?|certline) .*'
	grep -ohE '`certline [^`]*`|^    certline .*|sbin/certline .*' README.md
	grep -ohE '`certline [^`]*`' conf/*.conf conf/samples/* contrib/*/*
	sed -n 's/^ExecStart=//p' contrib/systemd/certline.service
	grep -vE '^(#|PATH)' contrib/cron.d/certline | cut -d ' ' -f 7-
}
with_argument=' -c --config --now -j --jobs --days --format --origin --ttl --reason --owner --mx --starttls --connect --resolver --trust-anchor --port --warn --critical '
check_calls() {
	local call words word skip seen
	while read -r call; do
		# shellcheck disable=SC2016 # a dollar is meant
		read -ra words <<< "$(sed -E 's/^.*("?\$CERTLINE"?|certline) //; s/["`>|#)(;'"'"'].*//; s/\.$//' <<< "$call")"
		skip=''
		seen=''
		for word in "${words[@]}"; do
			if [ -n "$skip" ]; then
				skip=''
				continue
			fi
			case $word in
			-*)
				grep -qE -- "(^|, )$word( |,|\$)" <(sed 's/^[^:]*: //' "$tmp/options8") ||
					echo "no option $word: $call"
				[[ $with_argument != *" $word "* ]] || skip=yes
				;;
			*)
				[ -n "$seen" ] || grep -qx -- "$word" <<< "$commands" || echo "no command \"$word\": $call"
				seen=yes
				;;
			esac
		done
	done < <(calls)
	[ "$(calls | wc -l)" -gt 20 ] || echo "only $(calls | wc -l) calls found"
}
verdict 'commands and options that are mentioned are there' "$(check_calls)"

verdict 'configuration options that the manuals mention are there' \
	"$(sed -nE 's/^\.Ic ([a-z-]+).*/\1/p' man/* | sort -u | while read -r key; do
		grep -qE "/$key\$" <<< "$options" || echo "$key"
	done
	grep -ohE '\[[a-z]+\]' man/* README.md conf/samples/* | grep -vxF '[line]' | tr -d '[]' | sort -u | while read -r section; do
		grep -qE "^$section/" <<< "$options" || [ "$section" = section ] || echo "[$section]"
	done)"

verdict 'nothing is left of the making' \
	"$(grep -nE '[Ii]ssue #?[0-9]|TODO|FIXME|XXX|@[A-Z]+@|\bseed\b' README.md LICENSE man/* conf/*.conf conf/samples/* contrib/*/*)"

echo "1..$n"
[ "$fails" -eq 0 ] || exit 1
[ -n "$bite" ] || exit 0

# --- does each check bite? ------------------------------------------------------------------------------

# What is done to which file (a sed expression), and the check that must notice.
cat > "$tmp/bites" << 'END'
in certline.conf(5), and no other|man/certline.conf.5|/^\.It Ic standby/d
in certline.conf(5), and no other|man/certline.conf.5|s/^\.It Ic standby/.It Ic standbye/
in conf/certline.conf, and no other|conf/certline.conf|/^#standby/d
in conf/certline.conf, and no other|conf/certline.conf|s/^\[run\]/[self]/
as installed changes nothing|conf/certline.conf|s/^#ttl = 1h/ttl = 2h/
defaults in conf/certline.conf|conf/certline.conf|s/^#ttl = 1h/#ttl = 2h/
defaults in conf/certline.conf|conf/certline.conf|s/^#hook-limit/# hook-limit/
examples in conf/certline.conf|conf/certline.conf|s/^# staging = 72h/# staging = 72/
examples in conf/certline.conf|conf/certline.conf|s/^# staging-hours = 72/# staging-hours = 72h/
examples in conf/certline.conf|conf/certline.conf|s/^# owners = _/# owners = /
examples in conf/certline.conf|contrib/sysusers.d/certline.conf|s/certline-keys -/keys -/
defaults in certline.conf(5)|man/certline.conf.5|s/^Default: 90d/Default: 60d/
defaults in certline.conf(5)|man/certline.conf.5|0,/^Default: none/s/^Default: none.*//
limits in certline.conf(5)|man/certline.conf.5|s/^From 1h to 20y/From 1h to 10y/
limits in certline.conf(5)|man/certline.conf.5|s/^From 1m to 20y/From 2m to 20y/
limits in certline.conf(5)|man/certline.conf.5|s/^From 1 to 7300/From 1 to 7301/
limits in certline.conf(5)|man/certline.conf.5|s/^From 1s to 7d.//
belongs in a line's own file|man/certline.conf.5|0,/^Only in a line/s/^Only in a line.*//
words that an option takes|man/certline.conf.5|s/^\.Cm rsa-3072/.Cm rsa-3073/
words that an option takes|man/certline.conf.5|/^\.It Cm hook-tls-alpn/d
words that an option takes|man/certline.conf.5|s/Cm native | dehydrated/Cm certline | dehydrated/
limits in certline.conf(5)|man/certline.conf.5|s/^From 1 to 65535/From 1 to 65536/
words that an option takes|man/certline.conf.5|s/Cm self | acme/Cm self | acme | ca/
words that an option takes|man/certline.conf.5|s/Cm hook | include/Cm hook/;s/^\.Pq Cm include ,//
every command is in|man/certline.8|/^\.It Cm plan /d
every command is in|man/certline.8|s/^\.It Cm plan /.It Cm foresee /
every command is in|man/certline.8|/^\.It Cm caa /d
every option of every command|man/certline.8|s/^\.It Fl -reason/.It Fl -why/
every option of every command|man/certline.8|s/^\.It Fl -days Ar N/.It Fl -days Ar DAYS/
every option of every command|man/certline.8|s/^\.It Fl j , Fl -jobs/.It Fl -jobs/
every option of every command|man/certline.8|s/^\.Ss Options of roll/.Ss Options of roll and renew/
every exit status|man/certline.8|s/^\.It 75/.It 76/
every phase and every step|man/certline.8|s/^\.It Cm crowded/.It Cm full/
every phase and every step|man/certline.8|/^\.It Cm unstage/d
every format of tlsa|man/certline.8|s/^\.It Cm tinydns/.It Cm djbdns/
every word that check|man/certline.8|s/no-match , refused/no-match/
every word that check|src/run/doctor_find.c|s/"expires-soon"/"ends-soon"/
every event|man/certline-hooks.7|s/^\.It Cm post-keychange/.It Cm post-key/
every environment variable|man/certline-hooks.7|/^\.It Ev CERTLINE_DIR/d
every environment variable|man/certline-hooks.7|s/^\.It Ev CERTLINE_DIR/.It Ev CERTLINE_FOLDER/
every environment variable|src/run/hook.c|s/"CERTLINE_NAMES"/"CERTLINE_DOMAINS"/
every member of the JSON input|man/certline-hooks.7|s/^\.Va not_after/.Va expires/
every member of the JSON input|man/certline-hooks.7|s/"keyset":4/"keys":4,"age":2/
every member of the JSON input|src/run/hook.c|s/"set", l->/"serial", l->/
what challenge hooks get|man/certline-hooks.7|s/^\.It Va path/.It Va url/
what challenge hooks get|man/certline-hooks.7|s/^\.It Cm lego-raw/.It Cm lego-rough/
what challenge hooks get|man/certline-hooks.7|s/^\.Ev CHALLENGETYPE , BASEDIR/.Ev CHALLENGETYPE/
every ready hook|man/certline-hooks.7|s/^\.It Pa nsd-reload/.It Pa nsd-load/
every ready hook|man/certline-hooks.7|s/Fl -control-conf/Fl -control/
dane-mail.conf is accepted|conf/samples/dane-mail.conf|s/^owners/owner/
lets-encrypt-tiny.conf is accepted|conf/samples/lets-encrypt-tiny.conf|s/^challenge-dir/challenges/
web-and-mail.conf is accepted|conf/samples/web-and-mail.conf|s/^staging = 72h/staging = 1h/
first set-up in the README|README.md|s/^issuer = self/issuer = acme/
first set-up in the README|README.md|s/^include-file = .*/include-file = \/etc\/bind\/other.tlsa/
first set-up in the README|README.md|s/^domains = .*/domains =\n a.org\n b.org\n c.org/
dane-mail.conf works|conf/samples/dane-mail.conf|s/^issuer = self/issuer = acme/
dane-mail.conf works|conf/samples/dane-mail.conf|s/^domains = .*/domains =\n a.org\n b.org\n c.org/
web-and-mail.conf works|conf/samples/web-and-mail.conf|s/^max-key-age = 1y/max-key-age = 2y/
examples in certline.conf(5)|man/certline.conf.5|s/^key-types = ec-256 rsa-2048/key-types = ec256/
mandoc has nothing|man/certline.8|0,/^\.El/s/^\.El//
files, manuals and hooks|README.md|s/src\/run\/engine\.c/src\/run\/motor.c/
files, manuals and hooks|README.md|s/\(LICENSE\)/(COPYING)/
files, manuals and hooks|man/certline.8|s/^\.Xr certline-hooks 7/.Xr certline-hooks 8/
files, manuals and hooks|conf/samples/dane-mail.conf|s/hooks\/bind-reload/hooks\/bind9-reload/
make targets|README.md|s/make fuzz/make fuzzy/
commands and options that are mentioned|README.md|s/certline plan  /certline plans /
commands and options that are mentioned|man/certline.8|s/^# certline -n init/# certline -x init/
commands and options that are mentioned|contrib/cron.d/certline|s/certline cron/certline daily/
configuration options that the manuals|man/certline.8|s/^\.Ic retire-after/.Ic retire-later/
configuration options that the manuals|man/certline.8|s/^\.Ic \[dirs\]/.Ic [folders]/
every ready hook|man/certline-hooks.7|/^\.It Fl -known-hosts/d
every ready hook|hooks/reload|s/^  SERVICE is postfix/  --fast\n&/
nothing is left|README.md|$s/$/ TODO/
words that an option takes|man/certline.conf.5|/^\.It Cm dnssec-lost/d
END

# bite NUMBER: breaks a copy as line NUMBER of the table says
bite_one() {
	local tree=$tmp/tree$1 check file change
	IFS='|' read -r check file change < <(sed -n "$1p" "$tmp/bites")
	mkdir "$tree"
	cp -r README.md LICENSE Makefile man conf contrib hooks src tests "$tree"
	sed -i -E "$change" "$tree/$file"
	if cmp -s "$file" "$tree/$file"; then
		echo "not ok - nothing was changed: $file: $change"
	elif TMPDIR=$tree "$tree/tests/lint/docs.sh" "$program" 2>&1 | grep '^not ok' | grep -qF -- "$check"; then
		echo "ok - noticed: $file: $change"
	else
		echo "not ok - \"$check\" did not notice: $file: $change"
	fi
	rm -rf "$tree"
}
echo "# breaking the documents in $(wc -l < "$tmp/bites") ways"
export -f bite_one
export tmp program
seq "$(wc -l < "$tmp/bites")" | xargs -P "$(nproc)" -I{} bash -c 'bite_one {}' | tee "$tmp/bitten"
! grep -q '^not ok' "$tmp/bitten"
