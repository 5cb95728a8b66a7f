# shellcheck shell=sh disable=SC2154
# dns_http.sh - a plug-in that sets records by HTTP, in one zone of what tests/system/lab/cloudflare.py is: HTTP_Url,
# HTTP_Token, HTTP_Zone.

dns_http_add() {
	imitated_zone || return 1
	_post "{\"type\":\"TXT\",\"name\":\"$1\",\"content\":\"$2\",\"ttl\":120}" "$HTTP_Url/zones/$zone_id/dns_records" >/dev/null
	grep -q '^HTTP/1.1 200' "$HTTP_HEADER" || _err "the record could not be set"
}

dns_http_rm() {
	imitated_zone || return 1
	for record_id in $(_get "$HTTP_Url/zones/$zone_id/dns_records?type=TXT&name=$1" |
		jq -r --arg v "\"$2\"" '.result[] | select(.content == $v) | .id'); do
		_post '' "$HTTP_Url/zones/$zone_id/dns_records/$record_id" '' DELETE >/dev/null
	done
	! _get "$HTTP_Url/zones/$zone_id/dns_records?type=TXT&name=$1" | grep -qF -- "$2" || _err "the record is still there"
}

imitated_zone() {
	export _H1="Authorization: Bearer $HTTP_Token"
	export _H2="Content-Type: application/json"
	zone_id=$(_get "$HTTP_Url/zones?name=$HTTP_Zone" | jq -r '.result[0].id // empty')
	[ -n "$zone_id" ] || _err "no zone $HTTP_Zone: is HTTP_Token right?"
}
