/* tsig.c - the one TSIG key of a file in BIND's syntax.
 *
 * A word is anything between blanks, the marks { } ; and comments, or a text in double quotes.
 * What a file holds is never repeated in a message, since a misplaced word may be the secret; but
 * for names of algorithms that we know.
 * RFC 8945 (names of algorithms: section 6), RFC 4648 section 4 (base64).
 * Touches: the key file, reading only.
 */
#include "dns/tsig.h"

#include "base/buf.h"
#include "base/mem.h"
#include "io/dnsmsg.h"
#include "sys/fs.h"

#include <strings.h>
#include <sys/stat.h>

#define FILE_MAX ((size_t)64 << 10)
#define SECRET_MIN 16           /* bytes */
#define MAKE_ONE "(tsig-keygen -a hmac-sha256 NAME makes such a file)"

enum mark { WORD, OPEN, CLOSE, SEMICOLON, END };

struct reader {
	const char *at, *end, *path;
	unsigned    line;
	enum mark   mark;       /* what was read last */
	struct buf  word;       /* of WORD */
	struct err *e;
};

static int wrong(struct reader *r, const char *what)
{
	return err_set(r->e, ERR_USAGE, "%s:%u: %s", r->path, r->line, what);
}

static bool comes(const struct reader *r, const char *s)
{
	size_t len = strlen(s);

	return (size_t)(r->end - r->at) >= len && memcmp(r->at, s, len) == 0;
}

static bool comment_comes(const struct reader *r)
{
	return comes(r, "#") || comes(r, "//") || comes(r, "/*");
}

static void step(struct reader *r)
{
	if (*r->at++ == '\n')
		r->line++;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int skip_comment(struct reader *r)
{
	unsigned line = r->line;

	if (!comes(r, "/*")) {
		while (r->at < r->end && *r->at != '\n')
			step(r);
		return 0;
	}
	for (r->at += 2; r->at < r->end; step(r)) {
		if (!comes(r, "*/"))
			continue;
		r->at += 2;
		return 0;
	}
	r->line = line;
	return wrong(r, "the comment that begins here does not end");
}

static int read_quoted(struct reader *r)
{
	for (step(r); r->at < r->end && *r->at && *r->at != '\n'; step(r)) {
		if (*r->at == '"') {
			step(r);
			return 0;
		}
		if (*r->at == '\\' && r->at + 1 < r->end && r->at[1] && r->at[1] != '\n')
			step(r);
		buf_add_char(&r->word, *r->at);
	}
	return wrong(r, "the closing quote is missing");
}

/* The next word or mark. */
static int next(struct reader *r)
{
	static const char marks[] = { [OPEN] = '{', [CLOSE] = '}', [SEMICOLON] = ';' };

	buf_clear(&r->word);
	while (r->at < r->end && (is_blank(*r->at) || comment_comes(r))) {
		if (is_blank(*r->at))
			step(r);
		else if (skip_comment(r) < 0)
			return -1;
	}
	r->mark = END;
	if (r->at == r->end)
		return 0;
	for (r->mark = OPEN; r->mark <= SEMICOLON; r->mark++)
		if (*r->at == marks[r->mark]) {
			step(r);
			return 0;
		}
	r->mark = WORD;
	if (*r->at == '"')
		return read_quoted(r);
	while (r->at < r->end && !is_blank(*r->at) && !strchr("{};\"", *r->at) &&
	       !comment_comes(r)) {
		buf_add_char(&r->word, *r->at);
		step(r);
	}
	return r->word.len ? 0 : wrong(r, "a byte that no text has");
}

static int expect(struct reader *r, enum mark mark, const char *otherwise)
{
	if (next(r) < 0)
		return -1;
	return r->mark == mark ? 0 : wrong(r, otherwise);
}

/* Words of BIND's language, in any case. */
static bool is_word(const struct reader *r, const char *word)
{
	return r->mark == WORD && strcasecmp(r->word.s, word) == 0;
}

/* Algorithms ----------------------------------------------------------------------------------- */

/* Whoever knows sha224 knows a better one too; md5 and sha1 are of the past (RFC 8945 section 6). */
static int take_algorithm(struct tsig_key *k, struct reader *r)
{
	static const char *const good[] = { "hmac-sha256", "hmac-sha384", "hmac-sha512" };
	static const char *const refused[] = {
		"hmac-sha224", "hmac-sha1", "hmac-md5", "hmac-md5.sig-alg.reg.int",
	};
	size_t len = r->word.len;

	if (k->algorithm)
		return wrong(r, "a second algorithm");
	if (len && r->word.s[len - 1] == '.')
		r->word.s[--len] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (strcasecmp(r->word.s, good[i]) == 0) {
			k->algorithm = mem_copy_str(good[i]);
			return 0;
		}
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (strcasecmp(r->word.s, refused[i]) == 0)
			return err_set(r->e, ERR_USAGE, "%s:%u: the algorithm %s is not supported: "
				       "make a key of hmac-sha256 or hmac-sha512, here and at the "
				       "server", r->path, r->line, refused[i]);
	return wrong(r, "an unknown algorithm: hmac-sha256, hmac-sha384 and hmac-sha512 are supported");
}

/* Secrets -------------------------------------------------------------------------------------- */

static int sextet(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

/* Bytes that the base64 text stands for; -1 if it is none, or not the only one for these bytes. */
static int64_t base64_length(const char *s, size_t len)
{
	size_t pad = len >= 2 && s[len - 1] == '=' ? 1 + (s[len - 2] == '=') : 0;

	if (len == 0 || len % 4)
		return -1;
	for (size_t i = 0; i < len - pad; i++)
		if (sextet(s[i]) < 0)
			return -1;
	if (pad && sextet(s[len - pad - 1]) & (pad == 1 ? 0x03 : 0x0f))
		return -1;
	return (int64_t)(len / 4 * 3 - pad);
}

/* BIND permits blanks in it. */
static int take_secret(struct tsig_key *k, struct reader *r)
{
	size_t len = 0;

	if (k->secret)
		return wrong(r, "a second secret");
	k->secret = mem_alloc(r->word.len + 1);
	for (size_t i = 0; i < r->word.len; i++)
		if (!is_blank(r->word.s[i]))
			k->secret[len++] = r->word.s[i];
	return 0;
}

static int check_secret(const struct tsig_key *k, struct reader *r)
{
	int64_t bytes = base64_length(k->secret, strlen(k->secret));

	if (bytes < 0)
		return wrong(r, "the secret is no base64 (a copy that was cut?)");
	if (bytes < SECRET_MIN)
		return wrong(r, "the secret is shorter than 16 bytes: make a new key");
	return 0;
}

/* The key -------------------------------------------------------------------------------------- */

/* Between "{" and "}". */
static int read_options(struct tsig_key *k, struct reader *r)
{
	for (;;) {
		bool secret;

		if (next(r) < 0)
			return -1;
		if (r->mark == CLOSE)
			break;
		secret = is_word(r, "secret");
		if (!secret && !is_word(r, "algorithm"))
			return wrong(r, "a key has an algorithm and a secret, and nothing else");
		if (expect(r, WORD, secret ? "the secret is missing" :
			   "the name of the algorithm is missing") < 0)
			return -1;
		if ((secret ? take_secret(k, r) : take_algorithm(k, r)) < 0)
			return -1;
		/* behind the ";": without quotes what BIND takes for a comment makes it short */
		if (expect(r, SEMICOLON, "a \";\" is missing (a secret needs quotes)") < 0 ||
		    (secret && check_secret(k, r) < 0))
			return -1;
	}
	if (!k->algorithm)
		return wrong(r, "the key has no algorithm");
	return k->secret ? 0 : wrong(r, "the key has no secret");
}

static int read_key(struct tsig_key *k, struct reader *r)
{
	if (next(r) < 0)
		return -1;
	if (r->mark == END)
		return err_set(r->e, ERR_USAGE, "%s: no key in it " MAKE_ONE, r->path);
	if (!is_word(r, "key"))
		return wrong(r, "not a key statement in BIND's syntax " MAKE_ONE);
	if (expect(r, WORD, "the name of the key is missing") < 0)
		return -1;
	k->name = dns_name_canon(r->word.s);
	if (!k->name || strcmp(k->name, ".") == 0)
		return wrong(r, "the name of the key is no domain name");
	if (expect(r, OPEN, "a \"{\" is missing") < 0 || read_options(k, r) < 0 ||
	    expect(r, SEMICOLON, "a \";\" is missing behind the \"}\"") < 0 || next(r) < 0)
		return -1;
	if (is_word(r, "key"))
		return wrong(r, "a second key: put each into a file of its own");
	return r->mark == END ? 0 : wrong(r, "the key must be all there is in the file");
}

int tsig_key_parse(struct tsig_key *out, const char *text, size_t len, const char *path,
		   struct err *e)
{
	struct reader r = { .at = text, .end = text + len, .path = path, .line = 1, .e = e };
	struct tsig_key k = { 0 };
	int rc;

	*out = k;
	buf_init(&r.word, FILE_MAX);
	rc = len > FILE_MAX ? wrong(&r, "too long for a key file") : read_key(&k, &r);
	if (rc == 0) {
		*out = k;
		k = (struct tsig_key){ 0 };
	}
	tsig_key_free(&k);
	buf_wipe(&r.word);
	return rc;
}

int tsig_key_read(struct tsig_key *out, const char *path, int *exposed, struct err *e)
{
	struct stat st;
	struct buf text;
	bool missing;
	int rc;

	*out = (struct tsig_key){ 0 };
	*exposed = 0;
	buf_init(&text, FILE_MAX);
	rc = fs_read(&text, path, FILE_MAX, &missing, e);
	if (rc < 0)
		err_wrap(e, "the TSIG key");
	else if (missing)
		rc = err_set(e, ERR_LOCAL, "the TSIG key: %s does not exist " MAKE_ONE, path);
	else
		rc = tsig_key_parse(out, text.s, text.len, path, e);
	if (rc == 0)
		*exposed = stat(path, &st) == 0 && (st.st_mode & S_IROTH) != 0;
	buf_wipe(&text);
	return rc;
}

void tsig_key_free(struct tsig_key *k)
{
	if (k->secret)
		mem_wipe(k->secret, strlen(k->secret));
	free(k->secret);
	free(k->name);
	free(k->algorithm);
	*k = (struct tsig_key){ 0 };
}
