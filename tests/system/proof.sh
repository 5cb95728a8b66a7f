#!/bin/bash
# proof.sh - is "published, and a TTL has passed" enough for a new key?  Here it is tried live, beside the
# program as it is: keys roll over unattended, in real time, in a zone one of whose name servers lags by ten
# seconds, before the eyes of DANE clients behind two validating resolvers whose caches are warm.
#
# Three lines do the same at the same time, each with an nginx, an owner, a store and a cron of its own:
#
#   two     the program as it is
#   none    the program as it is, with old-ttls = 0: only what follows from what was seen
#   naive   a program whose rule is "acknowledged by the publisher, plus the TTL"
#
# Just before the slow server catches up, both resolvers are made to take the old set from it, so that it is
# in their caches for as long as it can be.  A client of each line asks each resolver 40 times a second and
# makes a handshake with exactly what it got.  The clients of `two` and `none` may never be refused; those of
# `naive` must be, or this test would prove nothing.
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/world.sh"
need_programs named rndc nsd nsd-control knotd knotc keymgr unbound unbound-control dig nsupdate \
	dnssec-keygen dnssec-signzone nginx openssl cc pkg-config

TTL=4
LAG=10                                  # seconds from the publication to the slow server's next transfer
EVERY=25                                # milliseconds from look to look
HOST=mx.example.test
NAMES=$HOST
SOUND='two none'                        # lines of the program as it is
ALL="$SOUND naive"
RESOLVERS='ub res'
CERTLINE=$PROGRAM
declare -A PORT_OF=() CLIENT=() CRON=() ORDER=()

# --- what is built ----------------------------------------------------------------------------------

# naive_build OUT: the same program from the same objects, with one line of its rule replaced.
naive_build() {
	local source=$TOP/src/core/rollover.c out=$1 changed packages libs sanitize
	sed 's/return k->sight == SIGHT_HOLD ? WHEN_NEVER : later(k->safe_at, k->published_at);/return when_add(k->published_at, p->ttl_for);/' \
		"$source" >"$out.c"
	changed=$(diff "$source" "$out.c" | grep -c '^>')
	[ "$changed" -eq 1 ] || {
		note "$changed lines of $source were changed instead of one: fit the pattern to rollover_settled_at"
		return 1
	}
	read -r -a packages < <(sed -n 's/^PACKAGES *:= *//p' "$TOP/Makefile")
	read -r -a libs < <(pkg-config --libs "${packages[@]}")
	sanitize=(${SAN:+"-fsanitize=$SAN"})
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE "-I$TOP/src" -O1 -include "$TOP/src/base/banned.h" "${sanitize[@]}" \
		-c -o "$out.o" "$out.c" &&
		"${CC:-cc}" "${sanitize[@]}" -o "$out" "$BUILD/obj/main.o" "$out.o" "$BUILD/libcertline.a" \
			"${libs[@]}" -lunbound
}

client_build() {
	local libs sanitize
	read -r -a libs < <(pkg-config --libs libcrypto libssl jansson inih libidn2 ldns)
	sanitize=(${SAN:+"-fsanitize=$SAN"})
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE "-I$TOP/src" -O1 "${sanitize[@]}" -o "$SCRATCH/dane_client" \
		"$TOP/tests/system/lab/dane_client.c" "$BUILD/libcertline.a" "${libs[@]}" -lunbound
}

# --- the lines --------------------------------------------------------------------------------------

# use LINE: the following is about this line.
use() {
	NAME=$1
	PLACE=$SCRATCH/lines/$1
	CONF=$PLACE/conf
	STATE=$PLACE/state
	LINE_DIR=$STATE/lines/$LINE
	LIVE=$LINE_DIR/live
	HTTPS=${PORT_OF[$1]}
	OWNER=_$HTTPS._tcp.$HOST
	PROGRAM=$CERTLINE
	[ "$1" != naive ] || PROGRAM=$SCRATCH/naive
}

# line_make LINE OLD-TTLS: its configuration, its nginx, and what runs it unattended.
line_make() {
	free_port
	PORT_OF[$1]=$PORT
	use "$1"
	mkdir -p "$CONF" "$PLACE/nginx"
	cat >"$CONF/$LINE.conf" <<-END
		domains = $HOST
		issuer = self
		[timing]
		staging = 0s
		retire-after = 3s
		[hooks]
		post-certchange = $SCRATCH/hooks/reload --verify 127.0.0.1:$HTTPS nginx:$PLACE/nginx/nginx.conf
		[dane]
		owners = $OWNER
		verify = servers
		ttl = ${TTL}s
		[endpoints]
		servers = $OWNER 127.0.0.1
		[dns]
		$(world_dns_conf)
		margin = 2s
		old-ttls = $2
		ttl-floor = 1s
		assume-ttl = ${TTL}s
		confirm = 2
		confirm-over = 1s
		signature-left = 1m
		[update]
		keys = $WORLD/tlsa-sha256.key
		servers = example.test 127.0.0.1:$WORLD_PORT
		[dirs]
		state = $STATE
	END
	cat >"$PLACE/nginx/nginx.conf" <<-END
		daemon off;
		worker_processes 1;
		pid $PLACE/nginx/pid;
		error_log $PLACE/nginx/error.log;
		events { worker_connections 64; }
		http {
			access_log off;
			client_body_temp_path $PLACE/nginx; proxy_temp_path $PLACE/nginx;
			fastcgi_temp_path $PLACE/nginx; uwsgi_temp_path $PLACE/nginx;
			scgi_temp_path $PLACE/nginx;
			server {
				listen 127.0.0.1:$HTTPS ssl;
				ssl_certificate $LIVE/fullchain.pem;
				ssl_certificate_key $LIVE/key.pem;
				location / { return 204; }
			}
		}
	END
	# each run is a line "run TIME STATUS", and then what it said
	script "$PLACE/unattended" <<-END
		trap 'exit 0' TERM
		while :; do
			began=\$(date +%s.%N)
			said=\$('$PROGRAM' -c '$CONF' cron 2>&1)
			echo "run \$began \$?"
			[ -z "\$said" ] || printf '%s\n' "\$said"
			sleep 0.8
		done
	END
}

# in_all COMMAND ARGUMENT...: for every line; false if it is for one.
in_all() {
	local name
	for name in $ALL; do
		use "$name"
		"$@" || return 1
	done
}

# in_sound COMMAND...: the same for those of the program as it is.
in_sound() {
	local ALL=$SOUND
	in_all "$@"
}

# order_line COMMAND: in the background; obeyed says whether that worked.
order_line() {
	"$PROGRAM" -c "$CONF" "$1" >"$PLACE/$1.log" 2>&1 &
	ORDER[$NAME-$1]=$!
}

obeyed() {
	wait "${ORDER[$NAME-$1]}" || { note "$NAME: $(cat "$PLACE/$1.log")"; return 1; }
}

# serve_line: as soon as there is a key.
serve_line() {
	within 10 test -s "$LIVE/combined.pem" || return
	start "nginx-$NAME" nginx -e "$PLACE/nginx/error.log" -c "$PLACE/nginx/nginx.conf"
	within 10 listens "$HTTPS"
}

leave_line() {
	start "cron-$NAME" "$PLACE/unattended"
	CRON[$NAME]=$PID
}

# counts SERVER N: it has so many records of this line.
counts() {
	[ "$(world_served "$1" "$OWNER" | wc -l)" -eq "$2" ]
}

# has SERVER GENERATION...: it gives exactly the records of these, in this line.
has() {
	local number
	[ "$(world_dig "$1" "$OWNER" TLSA +noall +answer +nosplit | awk '$4 == "TLSA" { print $8 }' | sort)" = \
		"$(for number in "${@:2}"; do digest "$number"; done | sort)" ]
}

# both_have GENERATION...: both resolvers do, and vouch for it.
both_have() {
	local resolver
	for resolver in $RESOLVERS; do
		has "$resolver" "$@" && [ "$(world_state "$resolver" "$OWNER" TLSA)" = secure ] || return 1
	done
}

is_live() {
	[ "$(generation live)" = "$1" ]
}

# said_at PATTERN: when the unattended run began that said so first; nothing if none did.
said_at() {
	awk -v pattern="$1" '/^run / { began = $2; next } $0 ~ pattern { print began; exit }' "$SCRATCH/cron-$NAME.log"
}

# failures: the unattended runs that failed, with what they said, but for those that another held up.
failures() {
	awk '/^run / { bad = $3 != 0; run = $0; next } bad && !/ is held by .* roll\)$/ { print run ": " $0 }' \
		"$SCRATCH/cron-$NAME.log"
}

# --- caches -----------------------------------------------------------------------------------------

# only_lag: the slow server is the only one that the resolvers ask about example.test.  all_servers: no more.
only_lag() {
	world_control ub stub_add example.test. "127.0.0.123@$WORLD_PORT" || return
	cp "$WORLD/res/named.conf" "$WORLD/res/named.conf.all"
	printf 'server %s { bogus yes; };\n' 127.0.0.1 127.0.0.122 ::1 >>"$WORLD/res/named.conf"
	world_control res reconfig >/dev/null
}

all_servers() {
	world_control ub stub_add example.test. "127.0.0.1@$WORLD_PORT" "127.0.0.122@$WORLD_PORT" \
		"127.0.0.123@$WORLD_PORT" || return
	mv "$WORLD/res/named.conf.all" "$WORLD/res/named.conf"
	world_control res reconfig >/dev/null
}

# forget: the resolvers have nothing at this line's owner.
forget() {
	world_control ub flush_type "$OWNER" TLSA
	world_control res flushname "$OWNER"
}

# warm: the caches of all lines are filled, at the same time; what they got is in $PLACE/warm.RESOLVER.
warm() {
	local name pids=()
	for name in $ALL; do
		use "$name"
		{
			forget
			cached ub >"$PLACE/warm.ub"
			cached res >"$PLACE/warm.res"
		} & pids+=($!)
	done
	wait "${pids[@]}"
}

# warmed GENERATION: it was the record of this one, and fresh (a client may have been there a little earlier).
warmed() {
	local resolver ttl data
	for resolver in $RESOLVERS; do
		read -r ttl data <"$PLACE/warm.$resolver"
		if [ "$data" != "$(digest "$1")" ] || [ "$ttl" -lt $((TTL - 1)) ]; then
			note "$NAME, by $resolver: $(cat "$PLACE/warm.$resolver")"
			return 1
		fi
	done
}

# cached RESOLVER: TTL and data that it has at this line's owner.
cached() {
	world_dig "$1" "$OWNER" TLSA +noall +answer +nosplit | awk '$4 == "TLSA" { print $2, $8 }'
}

# fresh_ttl RESOLVER: the TTL that it gives just after it has asked.
fresh_ttl() {
	forget
	cached "$1" | cut -d ' ' -f 1
}

# --- clients ----------------------------------------------------------------------------------------

watch_line() {
	local resolver address
	for resolver in $RESOLVERS; do
		address=127.0.0.131:$WORLD_PORT
		[ "$resolver" = ub ] || address=127.0.0.1:$WORLD_RPORT
		start "client-$NAME-$resolver" "$SCRATCH/dane_client" "$address" "$OWNER" "127.0.0.1:$HTTPS" "$HOST" "$EVERY"
		CLIENT[$NAME-$resolver]=$PID
	done
}

# short GENERATION: the first digits of its record, as dane_client prints them.
short() {
	digest "$1" | cut -c 1-8 | tr '[:upper:]' '[:lower:]'
}

# looked NAME RESOLVER: what became of the looks: $OK, $REFUSED, $NOLOOK, $NONE, the longest time without a
# usable answer in $BLIND and between two handshakes in $GAP (milliseconds), the time of the last look that
# got the old set in $LAST_OLD, and the sets that were seen and the keys that matched in $SEEN.
looked() {
	local old new
	use "$1"
	old=$(short 1)
	new=$(short 2)
	read -r OK REFUSED NOLOOK NONE BLIND GAP LAST_OLD SEEN < <(awk -v old="$old" -v new="$new" '
		{ n[$3]++ }
		$3 == "nolook" && !blind { blind = $1 }
		$3 != "nolook" {
			if (blind && $1 - blind > longest) longest = $1 - blind
			blind = 0
		}
		$3 == "ok" || $3 == "refused" {
			if (before && $1 - before > gap) gap = $1 - before
			before = $1
			set = $0
			sub(/^.*\[/, "", set)
			sub(/\]$/, "", set)
			has_old = index(set, old); has_new = index(set, new)
			kind = "other"
			if ($2 == 1 && has_old) kind = "old"
			if ($2 == 1 && has_new) kind = "new"
			if ($2 == 2 && has_old && has_new) kind = "both"
			seen["set:" kind]
			if (kind == "old") last = $1
			if ($3 == "ok") seen["key:" ($4 == old ? "old" : $4 == new ? "new" : "other")]
		}
		END {
			if (blind && $1 - blind > longest) longest = $1 - blind
			printf "%d %d %d %d %d %d %.3f", n["ok"], n["refused"], n["nolook"], n["none"], longest * 1000,
				gap * 1000, last
			kinds_n = split("set:old set:both set:new set:other key:old key:new key:other", kinds)
			for (k = 1; k <= kinds_n; k++)
				if (kinds[k] in seen) printf " %s", kinds[k]
			print ""
		}' "$SCRATCH/client-$1-$2.log")
}

# refusals NAME RESOLVER: the lines, without their time.
refusals() {
	sed -n 's/^[0-9.]* \([0-9]* refused .*\)/\1/p' "$SCRATCH/client-$1-$2.log"
}

# later A B [SECONDS]: A is at least B + SECONDS.
later() {
	[ -n "$1" ] && awk -v a="$1" -v b="$2" -v d="${3:-0}" 'BEGIN { exit !(a >= b + d) }'
}

# since A B: seconds from B to A.
since() {
	awk -v a="${1:-0}" -v b="$2" 'BEGIN { printf "%.1f", a - b }'
}

# --- the world, and the first sets -------------------------------------------------------------------

began=$SECONDS
client_build
verdict $? 'a DANE client is built' || finish
naive_build "$SCRATCH/naive"
verdict $? 'a program with the naive rule is built' || finish
WORLD_TTL=$TTL
world_make
verdict $? 'the world is made' || finish
world_start
verdict $? 'the world runs' || finish
cp -r "$TOP/hooks" "$SCRATCH/hooks"
chmod -R go-w "$SCRATCH/hooks"
line_make two 2
line_make none 0
line_make naive 2

in_all order_line init
check 'an nginx serves the first key of every line' in_all serve_line
check 'whose set is published then' in_all obeyed init
check '... by the primary' in_all has pri 1
check 'from now on a cron looks after each line' in_all leave_line
check 'the slow server is told once' world_lagsync
check 'both resolvers have the sets, secure' within 10 in_all both_have 1
use two
for resolver in $RESOLVERS; do
	ttl=$(fresh_ttl "$resolver")
	check "$resolver heeds small TTLs: ${ttl:-nothing}" test "${ttl:-99}" -le "$TTL" -a "${ttl:-0}" -ge 1
done
check 'clients look, all the time' in_all watch_line
sleep 2

# --- the rollover, before a server that lags ----------------------------------------------------------

ORDERED=$EPOCHREALTIME
in_all order_line roll
check 'every line is told to roll, and publishes new sets' within 10 in_all counts pri 2
PUBLISHED=$EPOCHREALTIME
check 'of both keys' in_all obeyed roll
check 'another secondary has them soon' within 5 in_all has sec 1 2
check 'the slow one has the old ones' in_all has lag 1
sleep "$(since "$(since "$PUBLISHED" "-$LAG")" "$EPOCHREALTIME")"
check 'seconds later it still has them' in_all has lag 1
check 'now the resolvers ask nobody but it' only_lag
WARMED=$EPOCHREALTIME
warm
world_control lag -b zone-refresh example.test >/dev/null       # returns when it has it
SYNCED=$EPOCHREALTIME
check 'it gets the new sets' world_same lag example.test
check 'and all servers are asked again' all_servers
check 'just before, both caches were filled with the old sets' in_all warmed 1
check 'it has both keys now' in_all has lag 1 2
note "$(since "$WARMED" "$PUBLISHED") s after the publication the caches took the old sets, and $(since "$SYNCED" "$WARMED") s later the last server had the new ones"

check 'the lines are promoted, unattended' within 40 in_sound is_live 2
check 'and the old keys are retired' within 20 in_sound has pri 2
check 'which the slow server learns' world_lagsync
check 'and the resolvers, when their TTL is over' within $((TTL + 4)) in_sound both_have 2
sleep 1
for pid in "${CLIENT[@]}" "${CRON[@]}"; do
	kill "$pid"
done
for pid in "${CLIENT[@]}" "${CRON[@]}"; do
	stop "$pid"
done

# --- what came of it -----------------------------------------------------------------------------------

handshakes=0
refused=0
for name in $ALL; do
	use "$name"
	promoted=$(said_at 'promoted the staged key')
	retired=$(said_at 'retired the old key')
	note "$name: promoted $(since "$promoted" "$PUBLISHED") s after the publication, $(since "$promoted" "$SYNCED") s after the last server had the set; retired ${retired:+$(since "$retired" "$promoted") s later}"
	[ "$name" = naive ] || {
		check "$name: the new key went live no sooner than a TTL after the last server had it" \
			later "$promoted" "$SYNCED" "$TTL"
		is "$name: no run has failed, but for those that met the roll" "$(failures)" ''
	}
	for resolver in $RESOLVERS; do
		looked "$name" "$resolver"
		note "$name, by $resolver: $OK accepted, $REFUSED refused, $NOLOOK without a usable answer (at most $BLIND ms on end), $NONE without records; at most $GAP ms from handshake to handshake; the old set was seen until $(since "$LAST_OLD" "$SYNCED") s after the last server had the new one"
		check "$name, by $resolver: hardly a look was in vain" \
			test $((NOLOOK * 100)) -lt $((OK + REFUSED)) -a "$BLIND" -le 2000
		is "$name, by $resolver: there were always records" "$NONE" 0
		check "$name, by $resolver: the cache had the old set for as long as it may" \
			later "$LAST_OLD" "$WARMED" $((TTL - 1))
		if [ "$name" = naive ]; then
			check "naive, by $resolver: clients were refused" test "$REFUSED" -ge 1
			is "naive, by $resolver: ... because the cache had the old set" \
				"$(refusals "$name" "$resolver" | sort -u)" "1 refused no matching DANE TLSA records [$(short 1)]"
			continue
		fi
		handshakes=$((handshakes + OK + REFUSED))
		refused=$((refused + REFUSED))
		check "$name, by $resolver: a handshake every half second at least" test "$GAP" -le 500
		is "$name, by $resolver: every set and both keys were seen" "$SEEN" \
			'set:old set:both set:new key:old key:new'
		is "$name, by $resolver: nobody was refused" "$(refusals "$name" "$resolver" | sort | uniq -c | head -3)" ''
	done
done
use naive
promoted=$(said_at 'promoted the staged key')
# the program counts in whole seconds
check 'naive: a TTL had passed since the publication' later "$promoted" "$ORDERED" $((TTL - 1))
check '... but the last server had not yet got the set' later "$SYNCED" "$promoted"
check "$handshakes handshakes with the program as it is" test "$handshakes" -ge 2000
is '... and not one was refused' "$refused" 0
note "in $((SECONDS - began)) s"
finish
