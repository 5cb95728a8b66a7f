# shellcheck shell=bash
# broken.sh - the worlds of broken.txt, on top of lib.sh, in a network of their own: a signed root with the zones
# below it at two addresses of one named (two views), a validating resolver on port 53, and all the servers in one
# process.  Every world has an address of its own, and its servers have the real ports.
#
# Touches: what lib.sh touches; in a namespace of its own resolv.conf and the root's trust anchor.
# shellcheck disable=SC2016 # tables and zone files have words that begin with $
# shellcheck disable=SC2034 # names that only the test uses
# shellcheck disable=SC2154 # names of lib.sh

BROKEN=$SCRATCH/broken
CHAINS=$BROKEN/chains
WORLDS=()                               # their names, in the order of the table
declare -A OWNER WORLD_ZONE WORLD_HOST SEVERITY WORDS OTHERS ADDRESS        # of each
declare -A DATA                         # "NAME SELECTOR MATCHING-TYPE": hex
broken_zones='good plain bogus stripped expired ending uneven'

trim() {
	local text=${1#"${1%%[![:space:]]*}"}
	TRIMMED=${text%"${text##*[![:space:]]}"}
}

# broken_tlsa WHAT...: the data of a TLSA record of the table, as in a zone file
broken_tlsa() {
	local u=$1 s=$2 m=$3
	case $4 in
	@*) TLSA="$u $s $m ${4#@}" ;;
	=*) TLSA="$u $s $m ${DATA[${4#=} $5 $6]}" ;;
	*) TLSA="$u $s $m ${DATA[$4 $s $m]}" ;;
	esac
	# in general form, as named refuses a digest of a wrong length
	local hex=${TLSA##* }
	TLSA=$(printf 'TYPE52 \\# %d %02x%02x%02x%s' $((${#hex} / 2 + 3)) "$u" "$s" "$m" "$hex")
}

# broken_records WORLD RECORDS: adds them to the zone files.
broken_records() {
	local world=$1 zone=${WORLD_ZONE[$1]} record file name rest
	local a=${ADDRESS[$1]} b=127.2.${ADDRESS[$1]#127.1.}
	local -a records words
	IFS=';' read -r -a records <<<"$2"
	[[ $2 == *"host "* ]] || records+=('host A $A')
	for record in "${records[@]}"; do
		trim "$record"
		record=$TRIMMED
		[ -n "$record" ] || continue
		file=both
		case $record in
		ns[12]:*) file=${record%%:*}; trim "${record#*:}"; record=$TRIMMED ;;
		esac
		record=${record//\$A/$a}
		record=${record//\$B/$b}
		[[ $record != host\ * ]] || record="$world ${record#host }"
		record=${record//%/${OWNER[$world]#mx:}.}
		[[ $record == [0-9]\ * ]] && record="${OWNER[$world]}. TLSA $record"
		read -r name rest <<<"$record"
		if [[ $rest == TLSA\ * ]]; then
			read -r -a words <<<"${rest#TLSA }"
			broken_tlsa "${words[@]}"
			rest=$TLSA
		fi
		echo "$name $rest" >>"$BROKEN/$zone.$file"
	done
}

# broken_servers WORLD SERVERS: adds them to the table of bad_tls.py.
broken_servers() {
	local a=${ADDRESS[$1]} b=127.2.${ADDRESS[$1]#127.1.} server port=${OWNER[$1]#_}
	local -a servers
	port=${port%%.*}
	IFS=';' read -r -a servers <<<"$2"
	for server in "${servers[@]}"; do
		trim "$server"
		server=$TRIMMED
		case $server in
		-) continue ;;
		\$B\ *) server="$b:$port ${server#* }" ;;
		*) server="$a:$port $server" ;;
		esac
		printf '%s\n' "$server" | sed -E "s#(chain|then)=([^ ]*)#\\1=$CHAINS/\\2.pem#g" >>"$BROKEN/servers"
	done
}

# broken_read: the table.
broken_read() {
	local row n=0 port
	local -a cells
	while IFS= read -r row; do
		case $row in
		\#* | '') continue ;;
		esac
		# "|" stands in regular expressions as well: columns have blanks around it
		mapfile -t cells < <(printf '%s\n' "$row" | sed 's/ *| \+/\n/g')
		[ ${#cells[@]} -eq 7 ] || {
			echo "Bail out! broken.txt: ${#cells[@]} columns: $row"
			exit 1
		}
		n=$((n + 1))
		trim "${cells[0]}"
		set -- "$TRIMMED" "${cells[@]:1}"
		read -r port zone <<<"$2"
		WORLDS+=("$1")
		WORLD_ZONE[$1]=$zone
		WORLD_HOST[$1]=$1.$zone.example
		OWNER[$1]=_$port._tcp.$1.$zone.example
		[ "$port" != mx ] || OWNER[$1]=mx:$1.$zone.example
		ADDRESS[$1]=127.1.$((n / 200)).$((n % 200 + 1))
		SEVERITY[$1]=$5
		WORDS[$1]=${6//\$B/127.2.${ADDRESS[$1]#127.1.}}
		OTHERS[$1]=$7
		broken_records "$1" "$3"
		broken_servers "$1" "$4"
	done <"$TOP/tests/system/lab/broken.txt"
}

# broken_sign ZONE RECORDS-FILE OUT [OPTION...]: with the zone's key
broken_sign() {
	local origin=$1.example key=$BROKEN/keys/$1
	[ "$1" != root ] || origin=.
	grep -v '^;' "$key.key" >>"$2"
	dnssec-signzone -q -z -d "$BROKEN" -o "$origin" -f "$3" "${@:4}" "$2" "$key" >"$BROKEN/signing.log" 2>&1 || {
		cat "$BROKEN/signing.log"
		return 1
	}
}

# broken_key NAME: for a zone, or another one for its DS
broken_key() {
	local origin=$1.example made
	[ "$1" != root ] || origin=.
	made=$(dnssec-keygen -q -a ECDSAP256SHA256 -f KSK -K "$BROKEN/keys" "$origin") || return
	for suffix in key private; do
		mv "$BROKEN/keys/$made.$suffix" "$BROKEN/keys/${2:-$1}.$suffix"
	done
}

broken_head() {
	cat <<-END
		\$TTL 300
		@ IN SOA ns1 hostmaster 1 3600 600 864000 60
		@ NS ns1
		@ NS ns2
		ns1 A 127.0.0.11
		ns2 A 127.0.0.12
	END
}

# broken_sign_all: every zone in two versions, below $BROKEN/ns1 and ns2
broken_sign_all() {
	local zone ns options
	broken_key root
	for zone in $broken_zones; do
		[ "$zone" = plain ] || broken_key "$zone" || return
	done
	broken_key bogus bogus-other
	for ns in ns1 ns2; do
		for zone in $broken_zones; do
			{
				broken_head
				cat "$BROKEN/$zone.both" "$BROKEN/$zone.$ns" 2>/dev/null
			} >"$BROKEN/$zone.zone"
			case $zone in
			plain | stripped) cp "$BROKEN/$zone.zone" "$BROKEN/$ns/$zone"; continue ;;
			expired) options=(-P -s now-864000 -e now-172800) ;;
			ending) options=(-s now-864000 -e now+7200) ;;
			*) options=() ;;
			esac
			[ "$zone$ns" != goodns2 ] || { cp "$BROKEN/ns1/good" "$BROKEN/ns2/good"; continue; }
			broken_sign "$zone" "$BROKEN/$zone.zone" "$BROKEN/$ns/$zone" "${options[@]}" || return
		done
	done
	{
		echo '$TTL 300'
		echo '. IN SOA ns1.root-servers.example. hostmaster.example. 1 3600 600 864000 60'
		echo '. NS ns1.root-servers.example.'
		echo 'ns1.root-servers.example. A 127.0.0.11'
		for zone in $broken_zones; do
			printf '%s.example. NS ns%d.%s.example.\n' "$zone" 1 "$zone" "$zone" 2 "$zone"
			printf 'ns%d.%s.example. A 127.0.0.1%d\n' 1 "$zone" 1 2 "$zone" 2
			case $zone in
			plain) continue ;;
			bogus) set -- bogus-other ;;
			*) set -- "$zone" ;;
			esac
			dnssec-dsfromkey -2 "$BROKEN/keys/$1.key"
		done
	} >"$BROKEN/root.zone"
	broken_sign root "$BROKEN/root.zone" "$BROKEN/ns1/root" && cp "$BROKEN/ns1/root" "$BROKEN/ns2/root"
}

# broken_view NAME ADDRESS
broken_view() {
	echo "view $1 { match-destinations { $2; };"
	echo "zone . { type primary; file \"$BROKEN/$1/root\"; };"
	for zone in $broken_zones; do
		echo "zone $zone.example { type primary; file \"$BROKEN/$1/$zone\"; };"
	done
	echo '};'
}

# broken_start: all of it; returns when the resolver vouches for the zones.
broken_start() {
	local zone name s m hex
	mkdir -p "$CHAINS" "$BROKEN"/{ns1,ns2,keys}
	# shellcheck disable=SC2046,SC2086 # words are meant
	"$TOP/tests/system/lab/chains.py" "$CHAINS" $(printf '*.%s.example ' $broken_zones) || return
	while read -r name s m hex; do
		DATA[$name $s $m]=$hex
	done <"$CHAINS/data"
	for zone in $broken_zones; do
		: >"$BROKEN/$zone.both"
	done
	echo 'bogus-target A 127.0.0.1' >>"$BROKEN/bogus.both"
	broken_read
	broken_tlsa 3 1 1 ec
	echo "_dane.bogus-target $TLSA" >>"$BROKEN/bogus.both"
	printf '%s\n' "plain-target A ${ADDRESS[alias-insecure]}" "_dane.plain-target $TLSA" >>"$BROKEN/plain.both"
	broken_sign_all || return

	ip link set lo up
	ip addr add 127.0.0.11/8 dev lo
	ip addr add 127.0.0.12/8 dev lo
	printf 'nameserver 127.0.0.1\noptions edns0 trust-ad\n' >"$SCRATCH/resolv.conf"
	mount --bind "$SCRATCH/resolv.conf" "$(readlink -f /etc/resolv.conf)" || return
	grep -h DNSKEY "$BROKEN/keys/root.key" >"$BROKEN/anchor"
	mount --bind "$BROKEN/anchor" /usr/share/dns/root.key || return
	cat >"$BROKEN/named.conf" <<-END
		options {
			directory "$BROKEN"; pid-file "$BROKEN/named.pid"; session-keyfile "$BROKEN/session.key"; lock-file none;
			listen-on { 127.0.0.11; 127.0.0.12; }; listen-on-v6 { none; };
			recursion no; dnssec-validation no; notify no; minimal-responses yes;
		};
		controls { };
		$(broken_view ns1 127.0.0.11)
		$(broken_view ns2 127.0.0.12)
	END
	printf '. 300 NS ns1.root-servers.example.\nns1.root-servers.example. 300 A 127.0.0.11\n' >"$BROKEN/hints"
	cat >"$BROKEN/unbound.conf" <<-END
		server:
			directory: "$BROKEN"
			chroot: ""
			username: ""
			pidfile: "$BROKEN/unbound.pid"
			use-syslog: no
			interface: 127.0.0.1
			do-ip6: no
			do-not-query-localhost: no
			root-hints: "$BROKEN/hints"
			trust-anchor-file: "$BROKEN/anchor"
			local-zone: "example." transparent
			# which of two servers answers must not be chance: missing-on-one and lags-on-one are of ns1
			do-not-query-address: 127.0.0.12
	END
	start named "$(own_copy named)" -g -n 1 -c "$BROKEN/named.conf"
	start unbound "$(own_copy unbound)" -d -c "$BROKEN/unbound.conf"
	start bad_tls "$TOP/tests/system/lab/bad_tls.py" --table "$BROKEN/servers"
	within 10 grep -q '^ready' "$SCRATCH/bad_tls.log" && within 10 broken_secure
}

broken_secure() {
	dig -r +dnssec +tries=1 +time=2 @127.0.0.1 good.example SOA | grep -q -E '^;; flags: .* ad[ ;].* ANSWER: [1-9]'
}
