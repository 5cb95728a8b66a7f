/* tlsa.c - `certline tlsa`: the records that belong in the zone now, for zone generators.
 *
 * Reads only and takes no lock, so that a generator started by a key-change hook gets the new set.
 * Touches: stdout, stderr.
 */
#include "cmd/cmd.h"

#include "base/text.h"
#include "run/publish.h"

/* Owners that somebody may miss. */
static void tell_bare(const struct line *l)
{
	const char *line = l->cfg->name;

	if (!l->cfg->owners.n)
		return;
	if (!l->known)
		complain("%s has no records yet: it was never set up", line);
	else if (!l->ledger.set_serial)
		complain("%s has no records yet: its servers do not have the first key yet", line);
	else
		for (size_t i = 0; i < l->cfg->owners.n; i++)
			if (!set_has(&l->ledger.set, l->cfg->owners.v[i]))
				complain("%s has no records of %s yet: `certline status %s` says what they wait for",
					 l->cfg->owners.v[i], line, line);
}

enum exit_status cmd_tlsa(const struct args *a)
{
	enum tlsa_format format = FORMAT_ZONE;
	enum exit_status status;
	struct tlsa_rows rows = { 0 };
	char origin[256] = "";
	struct scene s;
	struct buf out;
	struct err e;

	if (a->format && !tlsa_format_parse(a->format, &format)) {
		complain("--format does not take \"%s\"; it is one of %s", a->format, tlsa_format_names());
		return EXIT_USAGE;
	}
	if (a->json)
		format = FORMAT_JSON;
	if (a->origin)
		snprintf(origin, sizeof(origin), "%s", a->origin);
	if (strlen(origin) > 1 && text_ends(origin, "."))
		origin[strlen(origin) - 1] = '\0';
	if (strcmp(origin, ".") == 0)
		origin[0] = '\0';              /* every name is below the root */
	if (scene_open(&s, a, &status) < 0)
		return status;
	status = EXIT_OK;
	for (size_t i = 0; i < s.n; i++)
		world_load(&s.world, s.lines[i]);
	/* a zone made from half of the records would take the other half away: all or nothing */
	for (size_t i = 0; i < s.world.n; i++) {
		const struct line *l = &s.world.lines[i];

		if (!l->loaded || (!l->failed && !l->lost))
			continue;
		complain("%s: %s; no records are printed, since the set would not be whole", l->cfg->name,
			 l->failed ? l->err.text : "its state.json is lost; run `certline cron` to make a new one");
		status = EXIT_BAD;
	}
	for (size_t i = 0; i < s.n && status == EXIT_OK && !a->quiet; i++)
		tell_bare(s.lines[i]);
	buf_init(&out, (size_t)1 << 30);
	if (status == EXIT_OK) {
		publish_rows(&rows, &s.world, s.lines, s.n);
		if (publish_print(&out, &rows, format, *origin ? origin : NULL, a->ttl_for, &e) < 0) {
			complain("%s", e.text);
			status = EXIT_BAD;
		} else {
			fwrite(out.s, 1, out.len, stdout);
			if (*origin && !out.len && !a->quiet)
				complain("no owner of these lines is in %s", origin);
		}
	}
	buf_free(&out);
	tlsa_rows_free(&rows);
	scene_close(&s);
	return status;
}
