# shellcheck shell=sh
# challenge.sh - what hooks share that set records for dns-01 challenges.  Source it behind common.sh.
#
# Touches: standard input (reads it).
# shellcheck disable=SC2034 # $challenges is for the hook

# read_challenges EVENT: $challenges, one a line as "FQDN VALUE", without repetitions; nothing if there are none.
# What is not for DNS is refused before anything is set, and passed over when it is taken away.
read_challenges() {
	input=$(cat)
	printf '%s\n' "${input:-null}" | jq -e '.version == 1 and (.challenges | type == "array")' >/dev/null 2>&1 ||
		fail "$1: what is on standard input cannot be read: $(legible "$input")"
	other=$(printf '%s\n' "$input" | jq -r '[.challenges[] | select(.type != "dns-01") |
		"\(.identifier): \(.type)"] | .[0] // ""')
	[ -z "$other" ] || [ "$1" != challenge-set ] ||
		fail "$(legible "$other") is no challenge that DNS answers: nothing was set; this hook is for dns-01"
	text=$(printf '%s\n' "$input" | jq -r '.challenges[] | select(.type == "dns-01") |
		(.fqdn | tostring | ascii_downcase | rtrimstr(".")) as $name | (.value | tostring) as $value |
		if ($name | length <= 253 and test("\\A[a-z0-9_][a-z0-9_-]*(\\.[a-z0-9_-]+)+\\z")) and
			($value | test("\\A[A-Za-z0-9_-]{1,255}\\z")) then "good \($name) \($value)"
		else "bad \($name) \($value)" end')
	bad=$(legible "$(printf '%s\n' "$text" | sed -n 's/^bad/<&/p')")
	[ -z "$bad" ] || fail "${bad#<bad }: not a name and a value of a challenge; nothing was changed"
	challenges=$(printf '%s\n' "$text" | sed -n 's/^good //p' | sort -u)
}

# legible TEXT: its beginning, fit for a log
legible() {
	printf '%s' "$1" | tr '\n\t' '  ' | tr -cd '[:print:]' | cut -c 1-300
}
