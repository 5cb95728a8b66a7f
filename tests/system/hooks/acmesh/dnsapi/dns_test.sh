# shellcheck shell=sh disable=SC2154
# dns_test.sh - a plug-in that writes down how it was called, a block for each call, into the file $TEST_LOG.
#
# TEST_FAIL: calls with this value in them fail.  TEST_EXIT: they end their shell.  TEST_Token is saved, and read
# again when it is not given.

dns_test_add() { imitated_call add "$@"; }
dns_test_rm() { imitated_call rm "$@"; }

imitated_call() {
	TEST_Token="${TEST_Token:-$(_readaccountconf_mutable TEST_Token)}"
	TEST_LOG="${TEST_LOG:-$(_readaccountconf_mutable TEST_LOG)}"
	[ -n "$TEST_Token" ] || {
		_err "TEST_Token is not set"
		return 1
	}
	_saveaccountconf_mutable TEST_Token "$TEST_Token"
	_saveaccountconf_mutable TEST_LOG "$TEST_LOG"
	_savedomainconf Test_Calls "x$(_readdomainconf Test_Calls)"
	{
		echo "call=$1"
		shift
		printf 'arg=<%s>\n' "$@"
		echo "count=$#"
		echo "stdin=<$(cat)>"
		echo "options=$-"
		echo "pid=$$"
		echo "unset=<$not_set_anywhere>"
		echo "token=<$TEST_Token>"
		echo "text=<$TEST_Text>"
		echo "before=<$left_by_the_call_before>"
		echo "folder=$(pwd)"
		echo "umask=$(umask)"
		env | grep -E '^(LE_WORKING_DIR|LE_CONFIG_HOME|ACCOUNT_CONF_PATH|DOMAIN_CONF|HTTP_HEADER|NO_TIMESTAMP|HOME|TEST_Token)='
	} >>"$TEST_LOG"
	left_by_the_call_before=yes
	export left_by_the_call_before
	_info "the plug-in was here"
	case $2 in
	"$TEST_FAIL")
		_err "the plug-in does not like this value"
		return 1
		;;
	"$TEST_EXIT") exit 7 ;;
	esac
	false
	return 0
}
