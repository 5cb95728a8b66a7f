/* fuzz_tlsa.c - any lines as a set of TLSA records.
 * Touches: nothing.
 */
#include "base/mem.h"
#include "core/tlsa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SET_MAX 32

static void must(bool holds, const char *what)
{
	if (!holds)
		mem_bug(what);
}

static bool same(const struct tlsa_rdata *a, const struct tlsa_rdata *b)
{
	return a->p.usage == b->p.usage && a->p.selector == b->p.selector &&
	       a->p.matching == b->p.matching && strcmp(a->hex, b->hex) == 0;
}

static void round_trip(const struct tlsa_rdata *r)
{
	struct tlsa_rdata again;
	char *text = tlsa_format(r), *twice;

	must(tlsa_parse(&again, text), "a record that does not read back");
	must(same(r, &again), "a record that reads back as another");
	twice = tlsa_format(&again);
	must(strcmp(text, twice) == 0, "a record with two texts");
	free(text);
	free(twice);
}

/* The leaf that the record is about, if it is about one. */
static void leaf_of(struct tlsa_leaf *leaf, const struct tlsa_rdata *r)
{
	size_t len = strlen(r->hex);

	if (r->p.matching == 1 && len == 64)
		memcpy(leaf->spki_sha256, r->hex, len + 1);
	if (r->p.matching == 2 && len == 128)
		memcpy(leaf->spki_sha512, r->hex, len + 1);
}

static void check_set(struct tlsa_rdata *set, size_t n, const struct tlsa_leaf *leaf)
{
	static const struct tlsa_leaf unknown_leaf;
	const struct tlsa_params params[] = { { 3, 1, 1 }, { 3, 1, 2 } };
	enum tlsa_cover cover = tlsa_covers(set, n, leaf, 1);
	struct tlsa_rdata back[SET_MAX], made[2];
	size_t made_n = 0;

	for (size_t i = 0; i < n; i++)
		back[i] = set[n - 1 - i];
	must(tlsa_covers(back, n, leaf, 1) == cover, "the order of records matters");
	must(n == 0 || tlsa_covers(set, n, &unknown_leaf, 1) != TLSA_COVERS,
	     "a leaf without digests is covered");
	for (size_t i = 0; i < ARRAY_LEN(params); i++)
		if (tlsa_make(&made[made_n], params[i], leaf))
			round_trip(&made[made_n++]);
	must(tlsa_covers(made, made_n, leaf, 1) == TLSA_COVERS, "what we make does not cover");
	/* adding to a set what we make for the leaf never makes it worse */
	if (made_n == 2 && n + 2 <= SET_MAX) {
		memcpy(back, set, n * sizeof(*set));
		memcpy(back + n, made, sizeof(made));
		must(cover == TLSA_LACKS || tlsa_covers(back, n + 2, leaf, 1) == cover,
		     "our own records spoil a set");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_copy_strn((const char *)data, size), *line = text, *next;
	struct tlsa_rdata set[SET_MAX];
	struct tlsa_leaf leaf = { "", "" };
	size_t n = 0;

	for (; line && n < SET_MAX; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!tlsa_parse(&set[n], line))
			continue;
		round_trip(&set[n]);
		leaf_of(&leaf, &set[n]);
		n++;
	}
	check_set(set, n, &leaf);
	free(text);
	return 0;
}
