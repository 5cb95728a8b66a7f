#!/bin/bash
# hosts.sh - addresses of hosts and mail hosts of domains, in a signed world: aliases within a zone, into others
# that are signed, unsigned and bogus; names that are not there; MX, null MX, none; by the chain of trust, by a
# resolver that validates, and by nobody.
# shellcheck disable=SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/world.sh"
need_programs named rndc nsd nsd-control knotd knotc keymgr unbound unbound-control dig dnssec-keygen \
	dnssec-signzone openssl cc pkg-config

TRY=$SCRATCH/hosts_try
# shellcheck disable=SC2046,SC2086 # words are meant
(cd "$TOP" && ${CC:-cc} -std=c11 -D_GNU_SOURCE -Isrc -include src/base/banned.h ${TRY_CFLAGS:-} -o "$TRY" \
	tests/system/lab/hosts_try.c "${B:-build}/libcertline.a" \
	$(pkg-config --libs libcrypto jansson inih libidn2 ldns) -lunbound)
verdict $? 'the driver is built' || finish

world_make
verdict $? 'the world is made' || finish
{
	cat <<-END
		both	A 127.0.0.91
		both	A 127.0.0.90
		both	AAAA ::1
		both	AAAA 2001:db8::1
		six	AAAA 2001:db8::6
		alias	CNAME both
		alias2	CNAME alias
		out	CNAME mail.ed.test.
		ins	CNAME mail.insecure.test.
		bog	CNAME mail.bogus.test.
		lost	CNAME nowhere
		loop	CNAME loop
		empty	TXT "nothing else"
		toempty	CNAME empty
		mail.dt	A 127.0.0.92
		m	MX 20 mail
		m	MX 10 both
		m	MX 10 alias
		m	MX 30 both
		null	MX 0 .
		notnull	MX 0 .
		notnull	MX 5 mail
		mxalias	CNAME m
		mxins	CNAME m.insecure.test.
	END
	for ((i = 0; i < 70; i++)); do
		echo "many A 127.1.0.$i"
		echo "many MX $((100 - i)) h$i.example.org."
	done
} >>"$WORLD/pri/example.test.db"
echo 'm MX 5 mail' >>"$WORLD/pri/insecure.test.db"
world_start
verdict $? 'the world runs' || finish

# found ANCHOR NAME EXPECTED: a pattern for the whole line.
found() {
	SAID=$("$TRY" "$WHAT" "127.0.0.131:$WORLD_PORT" "$1" "$2" 2>&1)
	like "$2: $3" "$SAID" "^$3\$"
}

KEY=$WORLD/root.key
BOTH='127.0.0.90:25 127.0.0.91:25 \[::1\]:25 \[2001:db8::1\]:25'
for how in "$KEY" ad; do
	note "by $how"
	WHAT=hosts
	found "$how" both.example.test "secure $BOTH"
	found "$how" six.example.test 'secure \[2001:db8::6\]:25'
	found "$how" alias.example.test "secure -> both.example.test $BOTH"
	found "$how" alias2.example.test "secure -> both.example.test $BOTH"
	found "$how" mail.dn.example.test 'secure -> mail.dt.example.test 127.0.0.92:25'
	found "$how" out.example.test 'secure -> mail.ed.test 127.0.0.80:25'
	found "$how" mail.nsec3.test 'secure 127.0.0.80:25'
	found "$how" ins.example.test 'insecure -> mail.insecure.test 127.0.0.80:25'
	found "$how" mail.insecure.test 'insecure 127.0.0.80:25'
	found "$how" mail.unkalg.test 'insecure 127.0.0.80:25'
	found "$how" mail.bogus.test 'bogus \(.+\) \[.+\]'
	found "$how" mail.expired.test 'bogus \(.+\) \[.+\]'
	found "$how" bog.example.test 'bogus \(.+\) \[.+\]'
	found "$how" nowhere.example.test 'secure \(there is no such name\)'
	found "$how" nowhere.insecure.test 'insecure \(there is no such name\)'
	found "$how" lost.example.test \
		'secure -> nowhere.example.test \(it is an alias of nowhere.example.test, and there is no such name\)'
	found "$how" empty.example.test 'secure \(it has no addresses\)'
	found "$how" toempty.example.test 'secure -> empty.example.test \(it has no addresses\)'
	found "$how" loop.example.test '(secure|unknown).* \(.+\).*'
	found "$how" many.example.test 'secure( 127\.1\.0\.[0-9]+:25){64}'
	WHAT=mail
	found "$how" m.example.test 'secure 10:alias.example.test 10:both.example.test 20:mail.example.test'
	found "$how" mxalias.example.test 'secure 10:alias.example.test 10:both.example.test 20:mail.example.test'
	found "$how" m.insecure.test 'insecure 5:mail.insecure.test'
	found "$how" mxins.example.test 'insecure 5:mail.insecure.test'
	found "$how" null.example.test 'secure null'
	found "$how" notnull.example.test 'secure null 5:mail.example.test'
	found "$how" both.example.test 'secure implicit 0:both.example.test'
	found "$how" mail.insecure.test 'insecure implicit 0:mail.insecure.test'
	found "$how" nowhere.example.test 'secure \(there is no such name\)'
	found "$how" mail.bogus.test 'bogus \(.+\) \[.+\]'
	found "$how" many.example.test 'secure 31:h69.example.org( [0-9]+:h[0-9]+.example.org){48} 80:h20.example.org'
done

# all at once, and the same one twice
SAID=$("$TRY" hosts "127.0.0.131:$WORLD_PORT" "$KEY" both.example.test nowhere.example.test ins.example.test \
	both.example.test)
is 'side by side' "$(cut -d' ' -f1 <<<"$SAID" | tr '\n' ' ')" 'secure secure insecure secure '
is '... each has its own' "$(sed -n 1p <<<"$SAID")" "$(sed -n 4p <<<"$SAID")"

note 'where nobody validates'
WHAT=hosts
found - ins.example.test 'secure -> mail.insecure.test 127.0.0.80:25'
found - alias2.example.test "secure -> both.example.test $BOTH"
found - nowhere.example.test 'secure \(there is no such name\)'
WHAT=mail
found - m.insecure.test 'secure 5:mail.insecure.test'

note 'where nobody can'
WHAT=hosts
found /nonexistent both.example.test 'unknown \(.*/nonexistent.*\) \[.*/nonexistent.*\]'
free_port
SAID=$("$TRY" hosts "127.0.0.1:$PORT" ad both.example.test 2>&1)
like 'a resolver that is dead' "$SAID" '^unknown \(resolver 127.0.0.1:.* about both.example.test A: '
SAID=$("$TRY" mail "127.0.0.1:$PORT" "$KEY" m.example.test 2>&1)
like '... for the chain of trust' "$SAID" '^unknown \(.+\) \[.+\]$'
finish
