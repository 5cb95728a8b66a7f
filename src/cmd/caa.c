/* caa.c - `certline caa`: the tightest CAA records for lines, and whether those that are in DNS let
 * their CA issue.
 * Touches: network; files under STATE/accounts, reading only; stdout, stderr.
 */
#include "cmd/cmd.h"

#include "base/mem.h"
#include "core/ca.h"
#include "io/json.h"
#include "run/ca.h"
#include "run/caa_check.h"
#include "sys/proc.h"

/* What a CA calls itself, and our account there; whatever could not be found out is empty. */
struct issuer_of {
	struct strv names;
	char       *account;
};

static void find_issuer(struct issuer_of *out, const struct line_config *c, const char *ca)
{
	struct session_config sc = { .directory = ca_directory(ca), .ca_file = c->ca_file, .request_ms = 20000,
				     .run_ms = 30000 };
	struct ca_account a;
	struct session *s;
	struct err e;

	*out = (struct issuer_of){ 0 };
	if (ca_read(&a, c, ca, &e) < 0)
		complain("%s: %s", c->name, e.text);
	else if (a.damaged)
		complain("%s: %s is damaged, so the records do not name the account; `certline account show` "
			 "finds it again", c->name, a.file);
	out->account = mem_copy_str(a.url);
	ca_close(&a);
	if (session_open(&s, &sc, &e) < 0) {
		complain("%s: %s", c->name, e.text);
		return;
	}
	strv_copy(&out->names, &session_directory(s)->identities);
	session_close(s);
}

static enum exit_status show(const struct line_config *c, struct json *lines, const struct args *a)
{
	struct issuer_of *i = mem_array(c->cas.n, sizeof(*i));
	struct caa_issuer *of = mem_array(c->cas.n, sizeof(*of));
	struct strv records = { 0 };
	struct caa_verdict v;
	bool known = false;

	for (size_t k = 0; k < c->cas.n; k++) {
		find_issuer(&i[k], c, c->cas.v[k]);
		known |= i[k].names.n > 0;
	}
	for (size_t k = 0; k < c->cas.n; k++)
		of[k] = (struct caa_issuer){ &i[k].names, i[k].account };
	caa_recommend(&records, c, of, c->cas.n);
	/* the first CA counts; the others are for when it fails */
	caa_look(&v, c, &i[0].names, i[0].account);
	for (size_t k = 0; k < v.doubts.n; k++)
		strv_add(&v.refusals, v.doubts.v[k]);
	if (lines) {
		struct json *o = json_put(lines, NULL, json_object());

		json_put_str(o, "line", c->name);
		json_put_texts(o, "records", &records);
		json_put_texts(o, "problems", &v.refusals);
	} else if (!a->quiet) {
		for (size_t k = 0; k < records.n; k++)
			printf("%s\n", records.v[k]);
	}
	if (!known)
		complain("%s: the CA does not say by which names CAA records call it", c->name);
	for (size_t k = 0; k < v.refusals.n; k++)
		complain("%s: %s", c->name, v.refusals.v[k]);
	for (size_t k = 0; k < c->cas.n; k++) {
		strv_free(&i[k].names);
		free(i[k].account);
	}
	free(i);
	free(of);
	strv_free(&records);
	known &= !v.refusals.n;
	caa_verdict_free(&v);
	return known ? EXIT_OK : EXIT_BAD;
}

enum exit_status cmd_caa(const struct args *a)
{
	struct json *doc = NULL, *lines = NULL;
	enum exit_status status;
	struct scene s;

	if (scene_open(&s, a, &status) < 0)
		return status;
	status = EXIT_OK;
	proc_init();
	if (a->json)
		doc = begin_document(&lines, "lines");
	for (size_t i = 0; i < s.n; i++)
		if (s.lines[i]->cfg->issuer == ISSUER_ACME && show(s.lines[i]->cfg, lines, a) != EXIT_OK)
			status = EXIT_BAD;
	if (doc)
		print_document(doc);
	scene_close(&s);
	return status;
}
