# shellcheck shell=bash
# world.sh - a signed DNS world of its own on loopback, on top of lib.sh; nothing in it needs root.
#
#   root  127.0.0.111        the root zone                                                     NSD
#   tld   127.0.0.112        test.                                                             NSD
#   pri   127.0.0.1          primary of the children: signs, takes updates, includes           BIND
#   sec   127.0.0.122, ::1   their secondary, told of every change                             NSD
#   lag   127.0.0.123        their secondary, pulls only when told to; primary of knot.test    Knot
#   ub    127.0.0.131        validating resolver                                               unbound
#   res   127.0.0.1          validating resolver, on a port of its own, $WORLD_RPORT           BIND
#
# All but the last are on $WORLD_PORT, because BIND as a resolver asks all the world on one port.
# named takes only addresses that an interface has, without root 127.0.0.1; the others take any of
# 127/8.
#
# Children of test.: example (NSEC, P-256), nsec3, ed (Ed25519), rsa, knot; insecure, unkdigest and
# unkalg, which nobody can validate; bogus (DS of another key), expired, dangling (DS, but unsigned).
# Each has mail A, www CNAME web, and _25._tcp.mx TLSA; but in example, where the owners are:
#
#   _25._tcp.mail               a set                  _993._tcp.mail   CNAME into ed.test
#   _443._tcp.web               a set                  _994._tcp.mail   CNAME into insecure.test
#   _443._tcp.www               CNAME to it            *._tcp.wild      wildcard (also in nsec3)
#   _465._tcp.mail              CNAME to _dane         dn               DNAME to dt, with _443._tcp
#   ent.a.b                     makes a.b an empty non-terminal
#
# and where mx and www2 have an address, but nothing below.  Nothing else is there: what a test
# publishes is at a name of its own.
#
# Set before world_make, if wanted:
#   WORLD_TTL     TTL of all TLSA sets, and of the rest of example.test (3600 and 300, 120)
#   WORLD_NEGTTL  SOA minimum of the children (30, or WORLD_TTL if that is less)
#   WORLD_RRL     answers a second that sec gives to one network (0: no limit; NSD's own is 200)
#
# Touches: what lib.sh touches.
# shellcheck disable=SC2034 # names that only the test uses
# shellcheck disable=SC2016 # zone files have words that begin with $
# shellcheck disable=SC2153,SC2154 # names of lib.sh

WORLD=$SCRATCH/world
world_include=$WORLD/pri/tlsa.inc       # at the end of example.test's zone file
WORLD_DIGEST=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
WORLD_SIGNED='example:fast nsec3:n3 ed:ed rsa:rsa'      # by BIND, under these policies
WORLD_STATIC='bogus expired unkdigest unkalg dangling'  # signed here, or not at all
WORLD_CHILDREN='example nsec3 ed rsa insecure bogus expired unkdigest unkalg dangling'
declare -A WORLD_PID=()                 # of those that were started
declare -A WORLD_ADDRESS=([root]=127.0.0.111 [tld]=127.0.0.112 [pri]=127.0.0.1 [sec]=127.0.0.122
	[sec6]=::1 [lag]=127.0.0.123 [ub]=127.0.0.131 [res]=127.0.0.1)

# NSD has children, which would outlive it or go on answering: always the whole group is meant.
world_end() {
	local pid
	for pid in "${WORLD_PID[@]}"; do
		kill -CONT -- "-$pid" 2>/dev/null
	done
	lib_end
	for pid in "${WORLD_PID[@]}"; do
		kill -KILL -- "-$pid" 2>/dev/null
	done
}
trap world_end EXIT

# --- what zones and servers are made of -------------------------------------------------------------

# world_binary PROGRAM: where AppArmor enforces, its profile is attached by path.
world_binary() {
	local path
	path=$(command -v "$1") || path=$1
	if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; then
		[ -e "$WORLD/bin/$1" ] || { mkdir -p "$WORLD/bin" && cp "$path" "$WORLD/bin/$1"; }
		path=$WORLD/bin/$1
	fi
	echo "$path"
}

# world_key FILE NAME [ksk]: makes a key; its name, without ".key", is written to FILE.
world_key() {
	(cd "$WORLD/keys" && dnssec-keygen -q -a ECDSAP256SHA256 ${3:+-f KSK} "$2") >"$WORLD/keys/$1"
}

# world_ds FILE: the DS record of such a key.
world_ds() {
	dnssec-dsfromkey -2 "$WORLD/keys/$(cat "$WORLD/keys/$1").key"
}

# world_sign FILE ZONE FOLDER OPTION... -- KEY...: FOLDER/FILE.in, with these keys, into FOLDER/FILE.db.
world_sign() {
	local file=$1 zone=$2 folder=$WORLD/$3 key keys=() options=()
	shift 3
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	for key; do
		keys+=("$WORLD/keys/$(cat "$WORLD/keys/$key")")
		cat "${keys[-1]}.key"
	done >>"$folder/$file.in"
	dnssec-signzone -q -z -P -K "$WORLD/keys" -d "$WORLD/keys" -o "$zone" "${options[@]}" -f "$folder/$file.db" \
		"$folder/$file.in" "${keys[@]}" >/dev/null 2>>"$WORLD/make.log"
}

# world_child ZONE: the head of a child's zone file.
world_child() {
	local ttl=120
	[ "$1" != example.test ] || ttl=${WORLD_TTL:-120}
	cat <<-END
		\$TTL $ttl
		@	$ttl IN SOA ns1 hostmaster ( 1 3600 600 864000 $WORLD_DENIED )
	END
	if [ "$1" = knot.test ]; then
		printf '@\tNS ns1\nns1\tA 127.0.0.123\n'
	else
		world_servers
	fi
	cat <<-END
		mail	A 127.0.0.80
		www	CNAME web
		web	A 127.0.0.81
	END
	[ "$1" = example.test ] || echo "_25._tcp.mx $WORLD_SET"
}

# world_servers [CHILD]: the delegation to the three of them, as it is in the child and in its parent.
world_servers() {
	local at=${1:-@} below=${1:+.$1}
	printf '%s\n' "$at NS ns1$below" "$at NS ns2$below" "$at NS ns3$below" "ns1$below A 127.0.0.1" \
		"ns2$below A 127.0.0.122" "ns3$below A 127.0.0.123"
	[ "$WORLD_IPV6" = no ] || echo "ns2$below AAAA ::1"
}

# world_nsd FOLDER ADDRESS...: an NSD without zones.
world_nsd() {
	local dir=$WORLD/$1
	shift
	echo 'server:'
	printf "  ip-address: %s@$WORLD_PORT\n" "$@"
	cat <<-END
		  username: ""
		  chroot: ""
		  database: ""
		  zonesdir: "$dir"
		  pidfile: "$dir/nsd.pid"
		  xfrdfile: "$dir/xfrd.state"
		  xfrdir: "$dir"
		  xfrd-reload-timeout: 0
		  zonefiles-write: 1
		  zonelistfile: "$dir/zone.list"
		  server-count: 1
		  rrl-ratelimit: ${WORLD_RRL:-0}
		remote-control:
		  control-enable: yes
		  control-interface: $dir/control
	END
}

# world_named FOLDER PORT CONTROL-PORT: a named without zones, its further options from stdin.
world_named() {
	local dir=$WORLD/$1
	cat <<-END
		options {
			directory "$dir"; pid-file "$dir/named.pid"; session-keyfile "$dir/session.key"; lock-file none;
			managed-keys-directory "$dir"; port $WORLD_PORT; empty-zones-enable no;
			listen-on port $2 { 127.0.0.1; }; listen-on-v6 { none; };
			$(cat)
		};
		key "control" { algorithm hmac-sha256; secret "$WORLD_SECRET"; };
		controls { inet 127.0.0.1 port $3 allow { 127.0.0.1; } keys { "control"; }; };
	END
}

# world_tsig NAME ALGORITHM BYTES [FILE]: a new TSIG key, in a file as tsig-keygen writes it.
world_tsig() {
	cat >"$WORLD/${4:-$1}.key" <<-END
		key "$1" {
		  algorithm $2;
		  secret "$(openssl rand -base64 "$3" | tr -d '\n')";
		};
	END
	chmod 600 "$WORLD/${4:-$1}.key"
}

# --- making it --------------------------------------------------------------------------------------

# world_make [static]: writes zones, keys and configurations; nothing runs yet.  With "static",
# example.test takes no updates, and its zone file, $WORLD/pri/example.test.db, can be edited and
# reloaded; named writes the file of a zone that takes updates anew, without the $INCLUDE in it.
world_make() {
	local z pids=() secret

	WORLD_KIND=${1:-dynamic}
	WORLD_IPV6=no
	grep -qs '^0\{31\}1 .* lo$' /proc/net/if_inet6 && WORLD_IPV6=yes
	export WORLD_IPV6
	free_port; WORLD_PORT=$PORT
	free_port; WORLD_RPORT=$PORT
	free_port; WORLD_CONTROL=$PORT
	free_port; WORLD_RCONTROL=$PORT
	WORLD_DENIED=${WORLD_NEGTTL:-$((${WORLD_TTL:-30} < 30 ? WORLD_TTL : 30))}
	WORLD_SET="${WORLD_TTL:-3600} TLSA 3 1 1 $WORLD_DIGEST"
	WORLD_SECRET=$(openssl rand -base64 24)
	rm -rf "$WORLD"
	mkdir -p "$WORLD"/{keys,policy,root,tld,pri,sec,lag,ub,res}
	world_tsig tlsa-sha256 hmac-sha256 32
	world_tsig tlsa-sha384 hmac-sha384 48
	world_tsig tlsa-sha512 hmac-sha512 64
	world_tsig tlsa-sha256 hmac-sha256 32 wrong     # the right name, another secret
	world_tsig stranger hmac-sha256 32
	world_configure

	# the keys, at the same time
	(cd "$WORLD/policy" && dnssec-keygen -q -k rsa -l "$WORLD/policy.conf" rsa.test >/dev/null) & pids+=($!)
	(
		cd "$WORLD/policy" || exit
		for z in example:fast nsec3:n3 ed:ed; do
			dnssec-keygen -q -k "${z#*:}" -l "$WORLD/policy.conf" "${z%:*}.test" >/dev/null || exit
		done
		world_child knot.test >"$WORLD/lag/knot.test.db"
		keymgr -c "$WORLD/lag/knot.conf" knot.test generate algorithm=ECDSAP256SHA256 ksk=yes zsk=yes &&
			keymgr -c "$WORLD/lag/knot.conf" knot.test ds | grep -E 'DS [0-9]+ 13 2 ' >"$WORLD/keys/knot.ds"
	) >/dev/null 2>>"$WORLD/make.log" & pids+=($!)
	(
		for z in $WORLD_STATIC; do
			world_key "$z" "$z.test" ksk || exit
		done
		world_key other bogus.test ksk && world_key root . ksk && world_key root-zsk . &&
			world_key tld test ksk && world_key tld-zsk test
	) & pids+=($!)
	for z in $WORLD_CHILDREN; do
		world_child "$z.test" >"$WORLD/pri/$z.test.in"
	done
	world_owners >>"$WORLD/pri/example.test.in"
	echo "*._tcp.wild $WORLD_SET" >>"$WORLD/pri/nsec3.test.in"
	echo '; nothing is published' >"$world_include"
	for z in example nsec3 ed rsa insecure dangling; do
		cp "$WORLD/pri/$z.test.in" "$WORLD/pri/$z.test.db"
	done
	world_done "${pids[@]}" || return

	# the signatures, at the same time
	pids=()
	for z in bogus unkdigest unkalg; do
		world_sign "$z.test" "$z.test" pri -- "$z" & pids+=($!)
	done
	world_sign expired.test expired.test pri -s 20200101000000 -e 20200201000000 -- expired & pids+=($!)
	{
		printf '$TTL 120\n@ 60 IN SOA ns hostmaster ( 1 3600 600 864000 30 )\n@ NS ns\nns A 127.0.0.112\n'
		for z in $WORLD_CHILDREN; do
			world_servers "$z"
		done
		printf 'knot NS ns1.knot\nns1.knot A 127.0.0.123\n'
		cat "$WORLD/keys/knot.ds"
		for z in "$WORLD"/policy/K*.key; do
			! grep -q 'DNSKEY 257' "$z" || dnssec-dsfromkey -2 "$z"
		done
		world_ds other
		world_ds expired
		world_ds dangling
		world_ds unkdigest | awk '{ $6 = 77; print }'
		world_ds unkalg | awk '{ $5 = 200; print }'
	} >"$WORLD/tld/test.in"
	world_sign test test tld -- tld tld-zsk & pids+=($!)
	{
		printf '$TTL 120\n@ 60 IN SOA a.root-servers.test. hostmaster.test. ( 1 3600 600 864000 30 )\n'
		printf '@ NS a.root-servers.test.\na.root-servers.test. A 127.0.0.111\n'
		printf 'test. NS ns.test.\nns.test. A 127.0.0.112\n'
		world_ds tld
	} >"$WORLD/root/root.in"
	world_sign root . root -- root root-zsk & pids+=($!)
	grep -v '^;' "$WORLD/keys/$(cat "$WORLD/keys/root").key" >"$WORLD/root.key"
	world_resolver >"$WORLD/res/named.conf"
	world_done "${pids[@]}"
}

# world_done PID...: waits for all of them; false if one has failed.
world_done() {
	local pid rc=0
	for pid; do
		wait "$pid" || rc=1
	done
	[ "$rc" -eq 0 ] || note "the world cannot be made: $(cat "$WORLD/make.log")"
	return "$rc"
}

# world_owners: the names that only example.test has.
world_owners() {
	local ttl=${WORLD_TTL:-300}
	cat <<-END
		mx	A 127.0.0.82
		www2	A 127.0.0.83
		_25._tcp.mail	$WORLD_SET
		_443._tcp.web	$ttl TLSA 3 1 1 $WORLD_DIGEST
		_443._tcp.www	$ttl CNAME _443._tcp.web
		_dane	$ttl TLSA 3 1 1 $WORLD_DIGEST
		_465._tcp.mail	$ttl CNAME _dane
		_993._tcp.mail	$ttl CNAME _25._tcp.mx.ed.test.
		_994._tcp.mail	$ttl CNAME _25._tcp.mx.insecure.test.
		*._tcp.wild	$ttl TLSA 3 1 1 $WORLD_DIGEST
		ent.a.b	A 127.0.0.9
		dn	$ttl DNAME dt
		_443._tcp.dt	$ttl TLSA 3 1 1 $WORLD_DIGEST
		@	CAA 0 issue "letsencrypt.org; accounturi=https://acme.test/acct/1; validationmethods=dns-01"
		strict	CAA 128 issue ";"
		cn	CNAME strict
		\$INCLUDE $world_include
	END
}

# world_resolver: BIND's, which needs the trust anchor.
world_resolver() {
	world_named res "$WORLD_RPORT" "$WORLD_RCONTROL" <<-END
		recursion yes; dnssec-validation yes; qname-minimization off;
	END
	awk '{ k = ""; for (i = 7; i <= NF; i++) k = k $i
		print "trust-anchors { . static-key " $4, $5, $6 " \"" k "\"; };" }' "$WORLD/root.key"
	echo 'zone "." { type hint; file "hints"; };'
}

# world_configure: the configurations of all servers, and the policies that keys are made by.
world_configure() {
	local z zone policy allowed='grant tlsa-sha256 zonesub TLSA; grant tlsa-sha512 zonesub TLSA;'
	allowed+=' grant tlsa-sha384 zonesub TLSA;'

	cat >"$WORLD/rndc.conf" <<-END
		key "control" { algorithm hmac-sha256; secret "$WORLD_SECRET"; };
		options { default-key "control"; default-server 127.0.0.1; default-port $WORLD_CONTROL; };
	END
	policy='dnskey-ttl 60; max-zone-ttl 2w; signatures-validity 14d; signatures-validity-dnskey 14d; signatures-refresh 5d;'
	cat >"$WORLD/policy.conf" <<-END
		dnssec-policy "fast" { keys { csk lifetime unlimited algorithm ecdsap256sha256; }; $policy };
		dnssec-policy "ed" { keys { csk lifetime unlimited algorithm ed25519; }; $policy };
		dnssec-policy "rsa" { keys { ksk lifetime unlimited algorithm rsasha256 2048;
			zsk lifetime unlimited algorithm rsasha256 2048; }; $policy };
		dnssec-policy "n3" { keys { csk lifetime unlimited algorithm ecdsap256sha256; };
			nsec3param iterations 0 optout no salt-length 0; $policy };
	END
	{ world_nsd root 127.0.0.111; printf 'zone:\n  name: "."\n  zonefile: "root.db"\n'; } >"$WORLD/root/nsd.conf"
	{ world_nsd tld 127.0.0.112; printf 'zone:\n  name: "test"\n  zonefile: "test.db"\n'; } >"$WORLD/tld/nsd.conf"
	{
		world_named pri "$WORLD_PORT" "$WORLD_CONTROL" <<-END
			key-directory "$WORLD/policy"; recursion no; dnssec-validation no;
			notify explicit; notify-delay 0; also-notify port $WORLD_PORT { 127.0.0.122; };
			allow-transfer { 127.0.0.0/8; };
		END
		cat "$WORLD"/tlsa-sha{256,384,512}.key "$WORLD/policy.conf"
		for z in $WORLD_SIGNED; do
			zone=${z%:*}.test
			echo "zone \"$zone\" { type primary; file \"$zone.db\"; inline-signing yes; dnssec-policy ${z#*:};"
			[ "$zone$WORLD_KIND" = example.teststatic ] || echo "update-policy { $allowed };"
			echo '};'
		done
		echo "zone \"insecure.test\" { type primary; file \"insecure.test.db\"; update-policy { $allowed }; };"
		for z in $WORLD_STATIC; do
			echo "zone \"$z.test\" { type primary; file \"$z.test.db\"; };"
		done
	} >"$WORLD/pri/named.conf"
	{
		if [ "$WORLD_IPV6" = yes ]; then
			world_nsd sec 127.0.0.122 ::1
		else
			world_nsd sec 127.0.0.122
		fi
		for z in $WORLD_CHILDREN; do
			cat <<-END
				zone:
				  name: "$z.test"
				  zonefile: "$z.test.db"
				  allow-notify: 127.0.0.1 NOKEY
				  request-xfr: 127.0.0.1@$WORLD_PORT NOKEY
			END
		done
	} >"$WORLD/sec/nsd.conf"
	world_knot >"$WORLD/lag/knot.conf"
	world_unbound >"$WORLD/ub/unbound.conf"
	printf '. 3600 NS a.root-servers.test.\na.root-servers.test. 3600 A 127.0.0.111\n' >"$WORLD/res/hints"
}

world_knot() {
	local z
	cat <<-END
		server:
		  rundir: "$WORLD/lag"
		  pidfile: "$WORLD/lag/knot.pid"
		  listen: 127.0.0.123@$WORLD_PORT
		  udp-workers: 1
		  tcp-workers: 1
		  background-workers: 1
		control:
		  listen: "$WORLD/lag/control"
		log:
		  - target: stderr
		    any: info
		database:
		  storage: "$WORLD/lag"
		  journal-db-max-size: 64M
		key:
	END
	sed -n 's/^key "\(.*\)" {/  - id: \1/p; s/^  \([a-z]*\) \(.*\);/    \1: \2/p' \
		"$WORLD"/tlsa-sha{256,384,512}.key
	cat <<-END
		remote:
		  - id: primary
		    address: 127.0.0.1@$WORLD_PORT
		acl:
		  - id: update
		    key: [ tlsa-sha256, tlsa-sha384, tlsa-sha512 ]
		    action: update
		    update-type: [ TLSA ]
		policy:
		  - id: sign
		    algorithm: ecdsap256sha256
		    single-type-signing: on
		    ksk-lifetime: 0
		template:
		  - id: default
		    storage: "$WORLD/lag"
		    zonefile-load: none
		    zonefile-sync: -1
		    journal-content: all
		zone:
		  - domain: knot.test
		    file: "knot.test.db"
		    zonefile-load: whole
		    dnssec-signing: on
		    dnssec-policy: sign
		    acl: update
	END
	for z in $WORLD_CHILDREN; do
		printf '  - domain: %s.test\n    master: primary\n    refresh-min-interval: 86400\n' "$z"
	done
}

# unbound follows delegations to port 53 only: it is told of every zone.
world_unbound() {
	local z
	cat <<-END
		server:
		  directory: "$WORLD/ub"
		  chroot: ""
		  username: ""
		  pidfile: "$WORLD/ub/unbound.pid"
		  use-syslog: no
		  val-log-level: 2
		  ede: yes
		  num-threads: 1
		  interface: 127.0.0.131
		  port: $WORLD_PORT
		  access-control: 127.0.0.0/8 allow
		  do-not-query-localhost: no
		  do-ip6: no
		  trust-anchor-file: "$WORLD/root.key"
		  module-config: "validator iterator"
		  local-zone: "test." transparent
		remote-control:
		  control-enable: yes
		  control-interface: "$WORLD/ub/control"
		  control-use-cert: no
	END
	printf "stub-zone:\n  name: \"%s\"\n  stub-addr: %s@$WORLD_PORT\n" . 127.0.0.111 test. 127.0.0.112 \
		knot.test. 127.0.0.123
	for z in $WORLD_CHILDREN; do
		printf 'stub-zone:\n  name: "%s.test."\n' "$z"
		printf "  stub-addr: %s@$WORLD_PORT\n" 127.0.0.1 127.0.0.122 127.0.0.123
	done
}

# --- servers ----------------------------------------------------------------------------------------

# world_run NAME: starts one of them; what it says is in $SCRATCH/world-NAME.log.
world_run() {
	local command
	case $1 in
	root | tld | sec) command=("$(world_binary nsd)" -d -c "$WORLD/$1/nsd.conf") ;;
	pri | res) command=("$(world_binary named)" -g -n 1 -c "$WORLD/$1/named.conf") ;;
	lag) command=("$(world_binary knotd)" -c "$WORLD/lag/knot.conf") ;;
	ub) command=("$(world_binary unbound)" -d -c "$WORLD/ub/unbound.conf") ;;
	*) echo "Bail out! no server is called $1"; exit 1 ;;
	esac
	start "world-$1" "${command[@]}"
	WORLD_PID[$1]=$PID
}

# world_start: all of them; returns when every server has every zone, and both resolvers validate.
world_start() {
	local name
	for name in root tld pri lag ub; do
		world_run "$name"
	done
	if ! { within 10 world_signed && world_run sec && world_run res && within 10 world_pull && within 10 world_validates; }; then
		tail -n 5 "$SCRATCH"/world-*.log | sed 's/^/# /'
		return 1
	fi
}

# world_signed: named has loaded its zones, and signed them, with all that denies names.
world_signed() {
	local z
	for z in $WORLD_CHILDREN; do
		[ -n "$(world_serial pri "$z.test")" ] || return 1
	done
	for z in $WORLD_SIGNED; do
		[ "$(world_dig pri "no.such.${z%:*}.test" TLSA +dnssec | grep -c 'RRSIG.*NSEC')" -ge 2 ] || return 1
	done
}

# world_pull: both secondaries have what the primary has.
world_pull() {
	local have server
	have=$(world_serials pri)
	for server in lag sec; do
		[ "$(world_serials "$server")" = "$have" ] && continue
		case $server in
		lag) world_control lag zone-refresh ;;
		sec) world_control sec transfer ;;
		esac >/dev/null 2>&1
		within 1 eval "[ \"\$(world_serials $server)\" = '$have' ]" || return
	done
}

# world_serials SERVER: the serials of all children.
world_serials() {
	local z all=()
	for z in $WORLD_CHILDREN; do
		all+=("$z.test" SOA)
	done
	world_dig "$1" "${all[@]}" +short | cut -d ' ' -f 3
}

# world_pulled SERVER ZONE: it has the version that the primary has; if not, it is told to pull.
world_pulled() {
	world_same "$1" "$2" && return
	case $1 in
	sec) world_control sec transfer "$2" ;;
	lag) world_control lag zone-refresh "$2" ;;
	esac >/dev/null 2>&1
	within 1 world_same "$1" "$2"
}

world_validates() {
	local server
	for server in ub res; do
		[ "$(world_state "$server" example.test SOA)" = secure ] || return 1
	done
}

# world_answers NAME: the server answers, whatever it says.
world_answers() {
	local zone=example.test
	case $1 in
	root) zone=. ;;
	tld) zone='test' ;;
	lag) zone=knot.test ;;
	esac
	world_dig "$1" "$zone" SOA | grep -q 'status: NOERROR'
}

# world_signal SIGNAL NAME: false if it does not run.
world_signal() {
	[ -n "${WORLD_PID[$2]:-}" ] && kill "-$1" -- "-${WORLD_PID[$2]}" 2>/dev/null
}

# world_pause NAME: it is silent: what is sent to it waits, until world_cont NAME.
world_pause() {
	world_signal STOP "$1"
}

world_cont() {
	world_signal CONT "$1"
}

# world_stop_server NAME: ends it in order; its port is closed then.
world_stop_server() {
	world_signal CONT "$1" || return 0
	stop "${WORLD_PID[$1]}"
	world_signal KILL "$1"
	unset "WORLD_PID[$1]"
}

# world_stop: ends all of them in order.
world_stop() {
	local name
	for name in "${!WORLD_PID[@]}"; do
		world_stop_server "$name"
	done
}

# world_hostile NAME MODE [OPTION...]: in place of sec or lag runs a stand-in, which forwards to pri,
# and misbehaves (hostile.py --help).  It tells what it did in $SCRATCH/hostile-NAME.log, and ends
# with world_restart NAME.
world_hostile() {
	local name=$1 mode=$2 listen=(--listen "${WORLD_ADDRESS[$1]}:$WORLD_PORT")
	shift 2
	world_stop_server "$name"
	[ "$name$WORLD_IPV6" != secyes ] || listen+=(--listen "[::1]:$WORLD_PORT")
	rm -f "$SCRATCH/hostile-$name.log"      # the one before has said "ready" in it
	start "hostile-$name" "$TOP/tests/system/lab/hostile.py" "${listen[@]}" --zone example.test --mode "$mode" \
		--upstream "127.0.0.1:$WORLD_PORT" "$@"
	WORLD_PID[$name]=$PID
	within 5 grep -q '^ready' "$SCRATCH/hostile-$name.log"
}

# world_kill NAME: as if the machine had lost its power.
world_kill() {
	world_signal KILL "$1" && within 5 gone "${WORLD_PID[$1]}"
	unset "WORLD_PID[$1]"
}

# world_restart NAME: ends it if it runs, and waits until it answers.  lag has what it had before.
world_restart() {
	world_stop_server "$1"
	world_run "$1"
	within 10 world_answers "$1"
}

# --- changes ----------------------------------------------------------------------------------------

# world_serial SERVER ZONE
world_serial() {
	world_dig "$1" "$2" SOA +short | cut -d ' ' -f 3
}

# world_same SERVER ZONE: it has the version that the primary has.
world_same() {
	local serial
	serial=$(world_serial pri "$2")
	[ -n "$serial" ] && [ "$(world_serial "$1" "$2")" = "$serial" ]
}

# world_newer ZONE SERIAL: the primary has a later version.
world_newer() {
	local serial
	serial=$(world_serial "$(world_primary "$1")" "$1")
	[ -n "$serial" ] && [ "$serial" != "$2" ]
}

world_primary() {
	case $1 in
	knot.test | knot.test.) echo lag ;;
	*) echo pri ;;
	esac
}

# world_control SERVER ARGUMENT...: its control program: rndc, nsd-control, knotc or unbound-control.
world_control() {
	case $1 in
	lag) knotc -s "$WORLD/lag/control" "${@:2}" ;;
	ub) unbound-control -q -c "$WORLD/ub/unbound.conf" "${@:2}" ;;
	sec) nsd-control -c "$WORLD/sec/nsd.conf" "${@:2}" ;;
	pri) rndc -c "$WORLD/rndc.conf" "${@:2}" ;;
	res) rndc -c "$WORLD/rndc.conf" -p "$WORLD_RCONTROL" "${@:2}" ;;
	esac
}

# world_rndc ARGUMENT...: the primary's.
world_rndc() {
	world_control pri "$@"
}

# world_lagsync [ZONE]: lag pulls now.
world_lagsync() {
	within 5 world_pulled lag "${1:-example.test}"
}

# world_sync2 [ZONE]: sec has what the primary has (it is told of changes, and mostly has).
world_sync2() {
	within 5 world_pulled sec "${1:-example.test}"
}

# world_reload [ZONE]: the include file has changed, or the zone file, which is $WORLD/pri/ZONE.in in a
# zone that takes updates, and ZONE.db in others: raises the serial, and waits until pri serves it.  In
# a zone that takes updates all that has been published by update goes.
world_reload() {
	local zone=${1:-example.test} before file serial
	file=$WORLD/pri/$zone.db
	before=$(world_serial pri "$zone")
	if world_rndc zonestatus "$zone" | grep -q '^dynamic: yes'; then
		world_rndc freeze "$zone" >/dev/null 2>&1 || return
		serial=$(world_rndc zonestatus "$zone" | sed -n 's/^serial: //p')
		cp "$WORLD/pri/$zone.in" "$file"
		"$TOP/hooks/lib/raise-serial" --above "$serial" "$file" >/dev/null || return
		world_rndc thaw "$zone" >/dev/null 2>&1 || return
	else
		"$TOP/hooks/lib/raise-serial" "$file" >/dev/null || return
		world_rndc reload "$zone" >/dev/null || return
	fi
	within 5 world_newer "$zone" "$before"
}

# world_update ZONE KEY: sends the commands of nsupdate from stdin ("update add ..."), and if they are
# accepted waits for the new version, at most a second, as they may change nothing.  KEY is
# tlsa-sha256, tlsa-sha384 or tlsa-sha512, which may change TLSA records, stranger, which nobody knows, wrong, which
# is tlsa-sha256 with another secret, or none.  The status is that of nsupdate, whose words go to
# stderr.
world_update() {
	local server before key=()
	server=$(world_primary "$1")
	before=$(world_serial "$server" "$1")
	[ "$2" = none ] || key=(-k "$WORLD/$2.key")
	{
		printf 'server %s %s\nzone %s\n' "${WORLD_ADDRESS[$server]}" "$WORLD_PORT" "$1"
		grep .                          # an empty line would send
		echo send
	} | nsupdate -t 5 "${key[@]}" || return
	within 1 world_newer "$1" "$before"
	return 0
}

# world_flush: both resolvers forget everything.
world_flush() {
	world_control ub flush_zone .
	world_control ub flush_infra all
	world_control res flush
}

# --- what there is ----------------------------------------------------------------------------------

# world_dig SERVER NAME TYPE [OPTION...]: asks once.  SERVER is one of ours, or sec6, or an address.
world_dig() {
	local server=$1 port=$WORLD_PORT
	shift
	[ "$server" != res ] || port=$WORLD_RPORT
	dig -r +tries=1 +time=2 -p "$port" "@${WORLD_ADDRESS[$server]:-$server}" "$@"
}

# world_state RESOLVER NAME TYPE: secure, insecure, denied (securely), missing (insecurely), or the
# response code: SERVFAIL is bogus.
world_state() {
	world_dig "$@" +dnssec | awk '
		/^;; ->>HEADER<<-/ { sub(/,/, "", $6); code = $6 }
		/^;; flags:/ { ad = / ad[ ;]/; sub(/.*ANSWER: /, ""); answers = $0 + 0 }
		/\t'"$3"'\t/ { found = 1 }
		END {
			if (code == "NOERROR" && found)
				print ad ? "secure" : "insecure"
			else if (code == "NOERROR" || code == "NXDOMAIN")
				print ad ? "denied" : "missing"
			else
				print code == "" ? "silence" : code
		}'
}

# world_served SERVER OWNER: the TLSA data that it has, one record a line, sorted.
world_served() {
	world_dig "$1" "$2" TLSA +norecurse +noall +answer +nosplit |
		awk '$4 == "TLSA" { print $5, $6, $7, $8 }' | sort
}

# world_dns_conf: what certline needs in [dns] to use this world.
world_dns_conf() {
	printf 'resolver = 127.0.0.131:%s\nport = %s\ntrust-anchor = %s\n' "$WORLD_PORT" "$WORLD_PORT" "$WORLD/root.key"
}
