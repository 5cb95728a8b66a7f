/* store.c - paths, slots and the ledger on disk.
 * Touches: files under STATE.
 */
#include "run/store.h"

#include "base/mem.h"
#include "base/text.h"
#include "run/store_parts.h"

#include <errno.h>
#include <sys/stat.h>

#define LOCK_WAIT_MS 1500
#define STATE_MAX ((size_t)64 << 20)

char *store_path(const struct line_config *c, const char *tail)
{
	return tail ? mem_format("%s/lines/%s/%s", c->state, c->name, tail)
		    : mem_format("%s/lines/%s", c->state, c->name);
}

struct fs_mode store_private_file(const struct line_config *c)
{
	return (struct fs_mode){ c->key_group ? 0640 : 0600, c->key_gid };
}

struct fs_mode store_private_dir(const struct line_config *c)
{
	return (struct fs_mode){ c->key_group ? 0750 : 0700, c->key_gid };
}

/* The group of one line's keys must be able to pass through the folders above it. */
static struct fs_mode passage(const struct config *c)
{
	for (size_t i = 0; i < c->lines_n; i++)
		if (c->lines[i].key_group)
			return (struct fs_mode){ 0711, (gid_t)-1 };
	return (struct fs_mode){ 0700, (gid_t)-1 };
}

int store_lock(struct lock *l, const struct config *c, struct err *e)
{
	char *lines = mem_format("%s/lines", c->state), *lock = mem_format("%s/lock", c->state);
	int rc = -1;

	l->fd = -1;
	if (fs_mkdir(c->state, passage(c), e) < 0 || fs_mkdir(lines, passage(c), e) < 0)
		err_wrap(e, "making the store");
	else if (fs_check_trusted(c->state, e) < 0 || fs_check_trusted(lines, e) < 0)
		err_wrap(e, "the store");
	else
		rc = lock_open(l, lock, LOCK_WAIT_MS, e);
	free(lines);
	free(lock);
	return rc;
}

int store_make_line(const struct line_config *c, struct err *e)
{
	char *dir = store_path(c, NULL), *gen = store_path(c, "gen");
	int rc = fs_mkdir(dir, store_private_dir(c), e);

	if (rc == 0)
		rc = fs_mkdir(gen, store_private_dir(c), e);
	free(dir);
	free(gen);
	return rc;
}

void store_sweep(const struct line_config *c)
{
	char *dir = store_path(c, NULL);

	fs_sweep_temporary(dir);
	free(dir);
}

/* Slots ---------------------------------------------------------------------------------------- */

int store_slot(int *number, const struct line_config *c, const char *slot, struct err *e)
{
	char *path = store_path(c, slot), *target = NULL;
	int64_t n = 0;
	int rc = fs_readlink(&target, path, e);

	*number = 0;
	if (rc == 0 && target) {
		const char *p = target;

		if (text_starts(p, "gen/"))
			p += 4;
		while (*p == '0' && p[1])
			p++;
		if (p == target || !text_number(p, 999999, &n) || n == 0)
			rc = err_set(e, ERR_LOCAL,
				     "%s points to \"%s\", which is no generation; make it a link to "
				     "one of %s/lines/%s/gen/",
				     path, target, c->state, c->name);
		*number = (int)n;
	}
	free(path);
	free(target);
	return rc;
}

int store_set_slot(const struct line_config *c, const char *slot, int number, struct err *e)
{
	char *path = store_path(c, slot), *target = mem_format("gen/%06d", number);
	int rc = number ? fs_symlink(target, path, e) : fs_unlink(path, e);

	free(path);
	free(target);
	return rc;
}

/* state.json: writing -------------------------------------------------------------------------- */

/* Zero means "not yet" everywhere in the ledger, and is not written. */
static void put_at(struct json *o, const char *key, int64_t at)
{
	if (at)
		json_put_int(o, key, at);
}

static void put_acks(struct json *o, const char *key, const struct acks *a)
{
	struct json *list = json_put(o, key, json_array());

	for (size_t i = 0; i < a->n; i++) {
		struct json *k = json_put(list, NULL, json_object());

		json_put_str(k, "command", a->v[i].command);
		json_put_int(k, "acked", a->v[i].acked);
		put_at(k, "acked_at", a->v[i].acked_at);
		if (!a->v[i].failures)
			continue;
		json_put_int(k, "failures", a->v[i].failures);
		put_at(k, "failing_at", a->v[i].failing_at);
		json_put_str(k, "error", a->v[i].error);
	}
}

static void put_keysets(struct json *o, const struct ledger *l)
{
	struct json *list = json_put(o, "keysets", json_array());

	for (size_t i = 0; i < l->keysets_n; i++) {
		const struct keyset *k = &l->keysets[i];
		struct json *j = json_put(list, NULL, json_object());

		json_put_int(j, "id", k->id);
		json_put_int(j, "generation", k->gen);
		put_at(j, "created_at", k->created_at);
		put_at(j, "staged_at", k->staged_at);
		put_at(j, "live_at", k->live_at);
		put_at(j, "retired_at", k->retired_at);
		put_at(j, "removed_at", k->removed_at);
		if (k->compromised)
			json_put_bool(j, "compromised", true);
		put_at(j, "revoke_gen", k->revoke_gen);
		put_at(j, "revoke_reason", k->revoke_reason);
		if (k->revoke_now)
			json_put_bool(j, "revoke_now", true);
		put_at(j, "revoked_at", k->revoked_at);
	}
}

static void put_set(struct json *o, const struct ledger *l)
{
	struct json *s = json_put(o, "set", json_object()), *list;

	json_put_int(s, "serial", l->set_serial);
	put_at(s, "recorded_at", l->set_at);
	put_at(s, "done_at", l->set_done_at);
	json_put_int(s, "ttl", l->set.ttl_for);
	put_at(s, "old_ttl", l->old_ttl_for);
	put_at(s, "horizon_at", l->horizon_at);
	list = json_put(s, "records", json_array());
	for (size_t i = 0; i < l->set.n; i++) {
		struct json *r = json_put(list, NULL, json_object());

		json_put_str(r, "owner", l->set.v[i].owner);
		json_put_str(r, "data", l->set.v[i].data);
		json_put_int(r, "keyset", l->set.v[i].keyset);
		put_at(r, "published_at", l->set.v[i].published_at);
		put_at(r, "stale_until_at", l->set.v[i].stale_until_at);
	}
	put_acks(s, "acknowledged", &l->keychange);
}

static void put_orders(struct json *o, const struct ledger *l)
{
	struct json *j = json_put(o, "orders", json_object());

	put_at(j, "roll_from", l->roll_from);
	if (l->force)
		json_put_bool(j, "force", true);
	put_at(j, "back_to", l->back_to);
	put_at(j, "renew_below", l->renew_gen);
	if (l->renew_force)
		json_put_bool(j, "renew_force", true);
	put_at(j, "rolled_back_at", l->rolled_back_at);
}

static void put_suggestions(struct json *o, const struct ledger *l)
{
	struct json *list = l->suggestions_n ? json_put(o, "suggestions", json_array()) : NULL;

	for (size_t i = 0; i < l->suggestions_n; i++) {
		const struct suggestion *s = &l->suggestions[i];
		struct json *j = json_put(list, NULL, json_object());

		json_put_str(j, "id", s->id);
		put_at(j, "start_at", s->start_at);
		put_at(j, "end_at", s->end_at);
		put_at(j, "at", s->at);
		put_at(j, "next_at", s->next_at);
		put_at(j, "failures", s->failures);
		if (s->explanation)
			json_put_str(j, "explanation", s->explanation);
	}
}

static struct json *encode(const struct ledger *l)
{
	struct json *o = json_object(), *j;

	json_put_int(o, "version", STATE_VERSION);
	j = json_put(o, "clock", json_object());
	json_put_int(j, "real", l->clock.real_at);
	json_put_int(j, "boot", l->clock.boot_for);
	json_put_str(j, "boot_id", l->clock.boot_id);
	put_keysets(o, l);
	put_set(o, l);
	j = json_put(o, "deployment", json_object());
	put_at(j, "keyset", l->deployed_keyset);
	put_at(j, "at", l->deployed_at);
	put_acks(j, "acknowledged", &l->certchange);
	j = json_put(o, "retries", json_array());
	for (int s = 0; s < STEP_N; s++) {
		struct json *r;

		if (!l->retry[s].failures)
			continue;
		r = json_put(j, NULL, json_object());
		json_put_str(r, "step", rollover_step_name((enum step)s));
		json_put_int(r, "failures", l->retry[s].failures);
		if (l->retry[s].begun)
			json_put_bool(r, "begun", true);
		put_at(r, "next_at", l->retry[s].next_at);
		json_put_str(r, "error", l->retry[s].error);
	}
	put_orders(o, l);
	put_suggestions(o, l);
	store_put_eyes(o, l);
	store_put_served(o, l);
	return o;
}

int store_write_json(const char *path, const struct json *o, size_t max, struct fs_mode m, struct err *e)
{
	struct buf text;
	int rc;

	buf_init(&text, max);
	json_print(&text, o, true);
	rc = text.over ? err_set(e, ERR_LOCAL, "%s would be larger than %zu bytes", path, max)
		       : fs_write(path, text.s, text.len, m, e);
	buf_free(&text);
	return rc;
}

int store_save_ledger(struct ledger *l, const struct line_config *c, struct err *e)
{
	char *path = store_path(c, "state.json");
	struct clock_reading now;
	struct json *o;
	int rc;

	clock_read(&now);
	l->clock.real_at = now.real_at;
	l->clock.boot_for = now.boot_for;
	snprintf(l->clock.boot_id, sizeof(l->clock.boot_id), "%s", now.boot_id);
	o = encode(l);
	rc = store_write_json(path, o, STATE_MAX, (struct fs_mode){ 0600, (gid_t)-1 }, e);
	json_free(o);
	free(path);
	return rc;
}

/* state.json: reading -------------------------------------------------------------------------- */

static int get_n(const struct json *o, const char *key)
{
	int64_t n = json_int(o, key, 0);

	return n < 0 || n > INT32_MAX ? 0 : (int)n;
}

static void get_acks(struct acks *a, const struct json *list)
{
	a->n = json_len(list);
	a->v = a->n ? mem_array(a->n, sizeof(*a->v)) : NULL;
	for (size_t i = 0; i < a->n; i++) {
		const struct json *k = json_at(list, i);

		a->v[i].command = mem_copy_str(json_str(k, "command", ""));
		a->v[i].acked = get_n(k, "acked");
		a->v[i].acked_at = json_int(k, "acked_at", 0);
		a->v[i].failures = get_n(k, "failures");
		a->v[i].failing_at = json_int(k, "failing_at", 0);
		a->v[i].error = mem_copy_str(json_str(k, "error", NULL));
	}
}

static void get_keysets(struct ledger *l, const struct json *list)
{
	l->keysets_n = json_len(list);
	l->keysets = l->keysets_n ? mem_array(l->keysets_n, sizeof(*l->keysets)) : NULL;
	for (size_t i = 0; i < l->keysets_n; i++) {
		const struct json *j = json_at(list, i);

		l->keysets[i] = (struct keyset){
			.id = get_n(j, "id"),
			.gen = get_n(j, "generation"),
			.created_at = json_int(j, "created_at", 0),
			.staged_at = json_int(j, "staged_at", 0),
			.live_at = json_int(j, "live_at", 0),
			.retired_at = json_int(j, "retired_at", 0),
			.removed_at = json_int(j, "removed_at", 0),
			.compromised = json_bool(j, "compromised", false),
			.revoke_gen = get_n(j, "revoke_gen"),
			.revoke_reason = get_n(j, "revoke_reason"),
			.revoke_now = json_bool(j, "revoke_now", false),
			.revoked_at = json_int(j, "revoked_at", 0),
		};
	}
}

static void get_set(struct ledger *l, const struct json *s)
{
	const struct json *list = json_get(s, "records");

	l->set_serial = get_n(s, "serial");
	l->set_at = json_int(s, "recorded_at", 0);
	l->set_done_at = json_int(s, "done_at", 0);
	l->set.ttl_for = json_int(s, "ttl", 0);
	l->old_ttl_for = json_int(s, "old_ttl", 0);
	l->horizon_at = json_int(s, "horizon_at", 0);
	for (size_t i = 0; i < json_len(list); i++) {
		const struct json *r = json_at(list, i);

		set_add(&l->set, json_str(r, "owner", ""), json_str(r, "data", ""),
			get_n(r, "keyset"));
		l->set.v[i].published_at = json_int(r, "published_at", 0);
		l->set.v[i].stale_until_at = json_int(r, "stale_until_at", 0);
	}
	set_sort(&l->set);
	get_acks(&l->keychange, json_get(s, "acknowledged"));
}

static void get_retries(struct ledger *l, const struct json *list)
{
	for (size_t i = 0; i < json_len(list); i++) {
		const struct json *r = json_at(list, i);

		for (int s = 0; s < STEP_N; s++) {
			if (strcmp(json_str(r, "step", ""), rollover_step_name((enum step)s)) != 0)
				continue;
			l->retry[s].failures = get_n(r, "failures");
			l->retry[s].begun = json_bool(r, "begun", false);
			l->retry[s].next_at = json_int(r, "next_at", 0);
			free(l->retry[s].error);
			l->retry[s].error = mem_copy_str(json_str(r, "error", NULL));
		}
	}
}

static void get_suggestions(struct ledger *l, const struct json *list)
{
	l->suggestions = mem_array(json_len(list), sizeof(*l->suggestions));
	for (size_t i = 0; i < json_len(list); i++) {
		const struct json *j = json_at(list, i);

		l->suggestions[l->suggestions_n++] = (struct suggestion){
			.id = mem_copy_str(json_str(j, "id", "")),
			.start_at = json_int(j, "start_at", 0),
			.end_at = json_int(j, "end_at", 0),
			.at = json_int(j, "at", 0),
			.next_at = json_int(j, "next_at", 0),
			.failures = get_n(j, "failures"),
			.explanation = mem_copy_str(json_str(j, "explanation", NULL)),
		};
	}
}

static void decode(struct ledger *l, const struct json *o)
{
	const struct json *j = json_get(o, "clock");

	l->clock.real_at = json_int(j, "real", 0);
	l->clock.boot_for = json_int(j, "boot", 0);
	snprintf(l->clock.boot_id, sizeof(l->clock.boot_id), "%s", json_str(j, "boot_id", ""));
	get_keysets(l, json_get(o, "keysets"));
	get_set(l, json_get(o, "set"));
	j = json_get(o, "deployment");
	l->deployed_keyset = get_n(j, "keyset");
	l->deployed_at = json_int(j, "at", 0);
	get_acks(&l->certchange, json_get(j, "acknowledged"));
	get_retries(l, json_get(o, "retries"));
	j = json_get(o, "orders");
	l->roll_from = get_n(j, "roll_from");
	l->force = json_bool(j, "force", false);
	l->back_to = get_n(j, "back_to");
	l->renew_gen = get_n(j, "renew_below");
	l->renew_force = json_bool(j, "renew_force", false);
	l->rolled_back_at = json_int(j, "rolled_back_at", 0);
	get_suggestions(l, json_get(o, "suggestions"));
	store_get_eyes(l, json_get(o, "eyes"));
	store_get_served(l, json_get(o, "served"));
}

int store_load_ledger(struct ledger *out, bool *missing, const struct line_config *c, struct err *e)
{
	char *path = store_path(c, "state.json");
	struct json *o = NULL;
	struct buf text;
	int64_t version;
	int rc = -1;

	*out = (struct ledger){ 0 };
	buf_init(&text, STATE_MAX);
	if (fs_read(&text, path, STATE_MAX, missing, e) < 0)
		goto out;
	if (*missing) {
		rc = 0;
		goto out;
	}
	o = json_parse(text.s, text.len, e);
	if (!o || !json_has(o, "version") || !json_has(o, "keysets") || !json_has(o, "set") ||
	    !json_plain(o)) {
		if (o)
			err_set(e, ERR_LOCAL, json_has(o, "set") ? "it has values that certline never writes"
								 : "it lacks what every state has");
		err_wrap(e, "%s is damaged; restore it from a backup, or move it away: certline then "
			 "takes what the generations say and starts every wait anew", path);
		goto out;
	}
	version = json_int(o, "version", 0);
	if (version != STATE_VERSION) {
		err_set(e, ERR_LOCAL, "%s has version %lld, this program knows version %d: run the newer "
			"certline that wrote it", path, (long long)version, STATE_VERSION);
		goto out;
	}
	decode(out, o);
	rc = 0;
out:
	json_free(o);
	buf_free(&text);
	free(path);
	return rc;
}
