/* fuzz_tsig.c - any text as a key file; and the same bytes as the reply to an update.
 * Touches: nothing.
 */
#include "base/mem.h"
#include "dns/tsig.h"
#include "io/dnsupdate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
	if (!holds)
		mem_bug(what);
}

/* A message signed with the key, for replies to it. */
static struct update_msg *make(const struct tsig_key *k, struct buf *wire)
{
	static const struct update_sign fixed = { "k", "hmac-sha256", "MTIzNDU2Nzg5MDEyMzQ1Ng==" };
	char record[] = "3 1 1 ab", *list[] = { record };
	const struct strv none = { NULL, 0 }, add = { list, 1 };
	const struct update_rrset set = { "_25._tcp.example.test", DNS_TLSA, &none, &none, &add, 60 };
	const struct update_sign s = { k->name, k->algorithm, k->secret };
	struct update_msg *m;
	struct err e = { 0 };

	must(update_msg_make(&m, wire, "example.test", &set, 1, k->name ? &s : &fixed, &e) == 0,
	     "a key that was read does not sign");
	return m;
}

static void try_key(const char *text, size_t size)
{
	struct err e = { 0 };
	struct tsig_key k, again;
	struct buf b;

	if (tsig_key_parse(&k, text, size, "f", &e) < 0) {
		must(e.kind == ERR_USAGE && strncmp(e.text, "f:", 2) == 0,
		     "an error of another kind");
		must(!k.name && !k.algorithm && !k.secret, "something left after an error");
		return;
	}
	buf_init(&b, 1 << 18);
	update_msg_drop(make(&k, &b));
	buf_clear(&b);
	buf_addf(&b, "key \"");
	for (const char *p = k.name; *p; p++)
		buf_addf(&b, *p == '\\' ? "\\\\" : "%c", *p);
	buf_addf(&b, "\" { secret \"%s\"; algorithm %s; };", k.secret, k.algorithm);
	must(tsig_key_parse(&again, b.s, b.len, "f", &e) == 0, "a key that does not read back");
	must(strcmp(k.name, again.name) == 0 && strcmp(k.secret, again.secret) == 0 &&
	     strcmp(k.algorithm, again.algorithm) == 0, "a key that reads back as another");
	tsig_key_free(&again);
	tsig_key_free(&k);
	buf_free(&b);
}

static void try_reply(const uint8_t *data, size_t size)
{
	static const struct tsig_key none;
	uint8_t *copy = mem_alloc(size);
	struct err e = { 0 };
	struct update_reply r;
	struct update_msg *m;
	struct buf wire;

	buf_init(&wire, UINT16_MAX);
	m = make(&none, &wire);
	if (size)
		memcpy(copy, data, size);
	if (size >= 2)
		memcpy(copy, wire.s, 2);
	if (update_msg_reply(&r, m, copy, size, &e) == 0)
		must(r.tsig != TSIG_GOOD, "a signature that was guessed");
	else
		must(e.kind == ERR_REFUSED && e.text[0], "an error without text");
	update_msg_drop(m);
	buf_free(&wire);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_key((const char *)data, size);
	try_reply(data, size);
	return 0;
}
