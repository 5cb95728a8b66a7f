/* config.c - finding, reading and layering of configuration files.
 *
 * Each file becomes a layer: a text for each option that it gives.  A line's layer is laid over
 * that of the defaults, and the result is parsed into a line_config and checked; the layer and the
 * file's text are gone before the next file is read, so that ten thousand lines stay small.
 * Whatever is wrong is noted with its place and reading goes on.
 * Touches: the files read, and the environment (CERTLINE_CONFIG).
 */
#include "run/config.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/names.h"
#include "io/ini.h"
#include "run/config_parts.h"
#include "sys/fs.h"

#include <sys/stat.h>

#define DEFAULTS_NAME "certline.conf"
#define NOWHERE       ((struct origin){ -1, 0 })

struct loader {
	struct config *c;
	struct notes   problems, warnings;
	struct parser  parser;
	struct layer   defaults;        /* from every certline.conf given as a file so far */
	struct ini    *kept;            /* what the layers of defaults point into */
	size_t         kept_n;
};

static const struct config_option *option(enum option_id id)
{
	size_t n;

	return &config_options(&n)[id];
}

/* ---- from entries to a layer ---- */

/* "in [timing]", or for messages about what stands before any section, "above the first section" */
static char *section_text(const char *section)
{
	return *section ? mem_format("in [%s]", section) : mem_copy_str("above the first section");
}

static void note_unknown_key(struct loader *k, int32_t file, const struct ini_entry *entry)
{
	const char *here[OPTIONS_N], *all[OPTIONS_N], *near;
	char *shown = option_shown(entry->key), *where = NULL;
	size_t here_n = 0, belongs = OPTIONS_N;

	for (size_t i = 0; i < OPTIONS_N; i++) {
		all[i] = option(i)->key;
		if (strcmp(option(i)->section, entry->section) == 0)
			here[here_n++] = all[i];
		if (strcmp(all[i], entry->key) == 0 && belongs == OPTIONS_N)
			belongs = i;
	}
	near = text_nearest(entry->key, here, here_n);
	if (belongs == OPT_STAGING_FOR) {
		/* the one key that two sections have */
		notes_add(&k->problems, file, entry->line,
			  "%s belongs in [timing] (a duration) or in [files] (a name)",
			  shown);
	} else if (belongs < OPTIONS_N) {
		where = section_text(option(belongs)->section);
		notes_add(&k->problems, file, entry->line, "%s belongs %s", shown, where);
	} else if (near) {
		notes_add(&k->problems, file, entry->line, "unknown key %s (did you mean \"%s\"?)",
			  shown, near);
	} else if ((near = text_nearest(entry->key, all, OPTIONS_N))) {
		for (belongs = 0; strcmp(all[belongs], near) != 0; belongs++)
			;
		where = section_text(option(belongs)->section);
		notes_add(&k->problems, file, entry->line,
			  "unknown key %s (did you mean \"%s\" %s?)", shown, near, where);
	} else {
		where = section_text(entry->section);
		notes_add(&k->problems, file, entry->line,
			  "unknown key %s: certline.conf(5) lists those that may stand %s",
			  shown, where);
	}
	free(shown);
	free(where);
}

static bool is_section(const char *name)
{
	for (size_t i = 0; i < OPTIONS_N; i++)
		if (strcmp(option(i)->section, name) == 0)
			return true;
	return false;
}

static void note_unknown_section(struct loader *k, int32_t file, const struct ini_section *s)
{
	const char *names[OPTIONS_N] = { NULL }, *near;
	struct buf list;
	size_t n = 0;

	buf_init(&list, 1024);
	for (size_t i = 0; i < OPTIONS_N; i++) {
		if (!*option(i)->section || (n && strcmp(names[n - 1], option(i)->section) == 0))
			continue;
		names[n++] = option(i)->section;
		buf_addf(&list, " [%s]", names[n - 1]);
	}
	near = text_nearest(s->name, names, n);
	if (near)
		notes_add(&k->problems, file, s->line, "unknown section [%s] (did you mean [%s]?)",
			  s->name, near);
	else
		notes_add(&k->problems, file, s->line, "unknown section [%s]: there are%s", s->name,
			  list.s);
	buf_free(&list);
}

static size_t find_option(const struct ini_entry *entry)
{
	for (size_t i = 0; i < OPTIONS_N; i++)
		if (strcmp(option(i)->key, entry->key) == 0 &&
		    strcmp(option(i)->section, entry->section) == 0)
			return i;
	return OPTIONS_N;
}

/* Two options of one file that set the same thing: the later one is dropped. */
static void drop_rivals(struct loader *k, struct layer *own)
{
	for (size_t i = 0; i < OPTIONS_N; i++) {
		size_t r = option(i)->rival;
		struct setting *a = &own->s[i], *b = &own->s[r];

		if (r <= i || !a->value || !b->value)
			continue;
		if (a->line > b->line) {
			a = &own->s[r];
			b = &own->s[i];
		}
		notes_add(&k->problems, b->file, b->line,
			  "\"%s\" and \"%s\" (line %d) set the same thing: keep one of them",
			  option(b == &own->s[i] ? i : r)->key,
			  option(b == &own->s[i] ? r : i)->key, (int)a->line);
		*b = (struct setting){ 0 };
	}
}

/* Registers path, and reads it.  Everything that is wrong with the file as such is noted.  Returns
 * its index, or -1: nothing could be read. */
static int32_t read_layer(struct loader *k, struct ini *ini, struct layer *own, const char *path,
			  bool are_defaults)
{
	int32_t file = (int32_t)k->c->files.n;
	struct err e;

	strv_add(&k->c->files, path);
	*own = (struct layer){ 0 };
	if (ini_read(ini, path, &e) < 0) {
		notes_add(&k->problems, file, -1, "%s", e.text);
		return -1;
	}
	if (!ini->trusted) {
		/* asked again by path only for the words */
		if (fs_check_trusted(path, &e) == 0)
			err_set(&e, ERR_USAGE, "%s could be changed by others", path);
		notes_add(&k->problems, file, 0, "%s",
			  e.text + (text_starts(e.text, path) ? strlen(path) + 1 : 0));
	}
	for (size_t i = 0; i < ini->problems_n; i++)
		notes_add(&k->problems, file, ini->problems[i].line, "%s", ini->problems[i].text);
	for (size_t i = 0; i < ini->sections_n; i++)
		if (!is_section(ini->sections[i].name))
			note_unknown_section(k, file, &ini->sections[i]);
	for (size_t i = 0; i < ini->entries_n; i++) {
		const struct ini_entry *entry = &ini->entries[i];
		size_t id = find_option(entry);

		if (id == OPTIONS_N && is_section(entry->section))
			note_unknown_key(k, file, entry);
		else if (id < OPTIONS_N && are_defaults && !option(id)->defaults_too)
			notes_add(&k->problems, file, entry->line,
				  "\"%s\" belongs in a line's own file, not among the defaults for "
				  "all",
				  entry->key);
		else if (id < OPTIONS_N)
			own->s[id] = (struct setting){ entry->value, file, entry->line, false };
	}
	drop_rivals(k, own);
	return file;
}

/* An option that is given takes the place of what the defaults say, also by another name. */
static void overlay(struct layer *on, const struct layer *own)
{
	for (size_t i = 0; i < OPTIONS_N; i++) {
		if (!own->s[i].value)
			continue;
		on->s[i] = own->s[i];
		if (option(i)->rival)
			on->s[option(i)->rival] = (struct setting){ 0 };
	}
}

/* ---- from a layer to a line ---- */

/* What a value that is not understood may come from. */
static const char *hint(const char *value)
{
	const char *p = value;

	if (strstr(value, " #") || strstr(value, "\t#") || strstr(value, " ;") ||
	    strstr(value, "\t;"))
		return " (a comment stands on a line of its own)";
	while ((p = strchr(p, '\n'))) {
		size_t len = strcspn(++p, " \t=\n");

		if (p[len + strspn(p + len, " \t")] != '=')
			continue;
		for (size_t i = 0; i < OPTIONS_N; i++)
			if (strlen(option(i)->key) == len && strncmp(option(i)->key, p, len) == 0)
				return " (an indented line continues the value above it: keys "
				       "begin in the first column)";
	}
	return NULL;
}

static void note_refusals(struct loader *k, enum option_id id, const struct setting *s)
{
	const char *more = hint(s->value);
	struct strv *why = &k->parser.why;

	/* the words of a comment are no values: the first one is enough */
	for (size_t i = 0; i < (more ? 1 : why->n); i++)
		notes_add(&k->problems, s->file, s->line, "%s: %s%s", option(id)->key, why->v[i],
			  more ? more : "");
}

/* Everything in `given`, and the defaults of the table; what file itself gives is complained about,
 * because what it inherits was complained about before. */
static void parse_layer(struct loader *k, struct line_config *l, struct layer *given, int32_t file)
{
	l->staging_for = l->rollback_for = l->away_for = DURATION_UNSET;
	l->key_gid = (gid_t)-1;
	l->file = file;
	l->origin = mem_array(OPTIONS_N, sizeof(*l->origin));
	for (size_t id = 0; id < OPTIONS_N; id++) {
		const struct config_option *o = option(id);
		struct setting *s = &given->s[id];

		l->origin[id] = NOWHERE;
		if (s->value) {
			option_parse(&k->parser, id, s->value, l);
			l->origin[id] = (struct origin){ s->file, s->line };
		} else if (o->fallback && !o->fallback_words &&
			   !(o->rival && given->s[o->rival].value)) {
			option_parse(&k->parser, id, o->fallback, l);
			if (k->parser.why.n)
				mem_bug("a default in the table of options is refused");
		}
		if (!k->parser.why.n)
			continue;
		s->bad = true;
		if (s->file == file)
			note_refusals(k, id, s);
		strv_free(&k->parser.why);
	}
	check_commands(&k->warnings, l, given, file);
}

static struct line_config *new_line(struct config *c)
{
	if ((c->lines_n & (c->lines_n - 1)) == 0)
		c->lines = mem_resize(c->lines, c->lines_n ? c->lines_n * 2 : 1, sizeof(*c->lines));
	c->lines[c->lines_n] = (struct line_config){ 0 };
	return &c->lines[c->lines_n++];
}

/* The file's name makes the line's name if nothing else does. */
static void name_line(struct loader *k, struct line_config *l, const struct setting *name,
		      const char *path)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	size_t len = strlen(base);
	struct err e;

	if (l->name)
		return;
	if (len > strlen(".conf") && text_ends(base, ".conf"))
		len -= strlen(".conf");
	l->name = mem_copy_strn(base, len);
	if (!name->value && name_check_line(l->name, &e) < 0)
		notes_add(&k->problems, l->file, 1,
			  "the file's name gives the line's name: %s; rename the file, or set name "
			  "above the first section",
			  e.text);
}

static void load_line(struct loader *k, const char *path, const struct layer *defaults)
{
	struct layer own, given = *defaults;
	struct line_config *l;
	struct ini ini;
	int32_t file = read_layer(k, &ini, &own, path, false);

	if (file >= 0) {
		overlay(&given, &own);
		l = new_line(k->c);
		parse_layer(k, l, &given, file);
		name_line(k, l, &given.s[OPT_NAME], path);
		check_line(&k->problems, &k->warnings, l, &given);
	}
	ini_free(&ini);
}

static void load_defaults(struct loader *k, const char *path, struct layer *onto)
{
	struct line_config scratch = { 0 };
	struct layer own;
	struct ini ini;
	int32_t file = read_layer(k, &ini, &own, path, true);

	if (file < 0) {
		ini_free(&ini);
		return;
	}
	parse_layer(k, &scratch, &own, file);
	option_free_all(&scratch);
	overlay(onto, &own);
	if ((k->kept_n & (k->kept_n - 1)) == 0)
		k->kept = mem_resize(k->kept, k->kept_n ? k->kept_n * 2 : 1, sizeof(*k->kept));
	k->kept[k->kept_n++] = ini;
}

/* ---- files and folders ---- */

static void load_dir(struct loader *k, const char *dir)
{
	const char *slash = text_ends(dir, "/") ? "" : "/";
	struct layer defaults = k->defaults;
	struct strv names = { 0 };
	size_t lines_n = 0;
	struct err e;
	char *path;

	if (fs_check_trusted(dir, &e) < 0)
		notes_add(&k->problems, (int32_t)k->c->files.n, -1, "%s: %s", dir,
			  e.text + (text_starts(e.text, dir) ? strlen(dir) + 1 : 0));
	if (fs_list(&names, dir, &e) < 0) {
		notes_add(&k->problems, (int32_t)k->c->files.n, -1, "%s", e.text);
		goto out;
	}
	if (strv_has(&names, DEFAULTS_NAME)) {
		path = mem_format("%s%s%s", dir, slash, DEFAULTS_NAME);
		load_defaults(k, path, &defaults);
		free(path);
	}
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.v[i];

		if (name[0] == '.' || !text_ends(name, ".conf") || strcmp(name, DEFAULTS_NAME) == 0)
			continue;
		path = mem_format("%s%s%s", dir, slash, name);
		load_line(k, path, &defaults);
		free(path);
		lines_n++;
	}
	if (!lines_n)
		notes_add(&k->problems, (int32_t)k->c->files.n, -1,
			  "%s: no lines: put one file per line into it (see certline.conf(5))",
			  dir);
out:
	strv_free(&names);
}

static char *absolute(const char *path)
{
	char *here, *whole;

	if (path[0] == '/')
		return mem_copy_str(path);
	here = get_current_dir_name();
	whole = mem_format("%s/%s", here ? here : ".", path);
	free(here);
	return whole;
}

static void load_arg(struct loader *k, const char *arg)
{
	const char *base = strrchr(arg, '/') ? strrchr(arg, '/') + 1 : arg;
	int32_t next = (int32_t)k->c->files.n;
	struct stat st;
	struct err e;

	if (!*arg) {
		notes_add(&k->problems, next, -1, "-c \"\": name a file or a folder");
		return;
	}
	strv_take(&k->c->args, absolute(arg));
	if (strchr(k->c->args.v[k->c->args.n - 1], ':')) {
		notes_add(&k->problems, next, -1,
			  "%s: its full path has a \":\", which separates paths in "
			  "CERTLINE_CONFIG, as hooks get it: rename it",
			  arg);
		return;
	}
	if (stat(arg, &st) < 0) {
		const char *remedy = "";

		if (strcmp(arg, CONFIG_DEFAULT_DIR) == 0)
			remedy = " (make it, or name a file or folder with -c)";
		err_sys(&e, "%s", arg);
		notes_add(&k->problems, next, -1, "%s%s", e.text, remedy);
	} else if (S_ISDIR(st.st_mode)) {
		load_dir(k, arg);
	} else if (strcmp(base, DEFAULTS_NAME) == 0) {
		load_defaults(k, arg, &k->defaults);
	} else {
		load_line(k, arg, &k->defaults);
	}
}

static void load_args(struct loader *k, const struct strv *args)
{
	const char *list = secure_getenv("CERTLINE_CONFIG");
	size_t n = args ? args->n : 0;

	for (size_t i = 0; i < n; i++)
		load_arg(k, args->v[i]);
	while (n == 0 && list && *list) {
		size_t len = strcspn(list, ":");
		char *arg = mem_copy_strn(list, len);

		if (len)
			load_arg(k, arg);
		free(arg);
		list += len + (list[len] == ':');
	}
	if (n == 0 && !k->c->args.n)
		load_arg(k, CONFIG_DEFAULT_DIR);
	if (!k->c->lines_n && !k->problems.n)
		notes_add(&k->problems, 0, -1,
			  "no lines: name a folder with one file per line, or such a file, after "
			  "-c (see certline.conf(5))");
}

/* ---- the end ---- */

static int by_name(const void *a, const void *b)
{
	const struct line_config *x = a, *y = b;
	int d = strcmp(x->name, y->name);

	return d ? d : x->file - y->file;
}

static int by_place(const void *a, const void *b)
{
	const struct note *x = a, *y = b;

	if (x->file != y->file)
		return x->file - y->file;
	if (x->line != y->line)
		return x->line - y->line;
	return (x->order > y->order) - (x->order < y->order);
}

static void tell(struct strv *out, struct notes *notes, const struct strv *files)
{
	if (notes->n)
		qsort(notes->v, notes->n, sizeof(*notes->v), by_place);
	for (size_t i = 0; i < notes->n; i++) {
		struct note *n = &notes->v[i];

		if (n->line > 0)
			strv_take(out, mem_format("%s:%d: %s", files->v[n->file], (int)n->line,
						  n->text));
		else if (n->line == 0)
			strv_take(out, mem_format("%s: %s", files->v[n->file], n->text));
		else
			strv_add(out, n->text);
		free(n->text);
	}
	free(notes->v);
	*notes = (struct notes){ 0 };
}

int config_load(struct config *out, const struct strv *args, struct err *e)
{
	struct loader k = { .c = out };

	*out = (struct config){ 0 };
	load_args(&k, args);
	if (out->lines_n) {
		out->lines = mem_resize(out->lines, out->lines_n, sizeof(*out->lines));
		qsort(out->lines, out->lines_n, sizeof(*out->lines), by_name);
		check_lines(&k.problems, out);
		out->state = out->lines[0].state;
	}
	tell(&out->problems, &k.problems, &out->files);
	tell(&out->warnings, &k.warnings, &out->files);
	for (size_t i = 0; i < k.kept_n; i++)
		ini_free(&k.kept[i]);
	free(k.kept);
	parser_free(&k.parser);
	if (out->problems.n)
		return err_set(e, ERR_USAGE, "%zu problem%s in the configuration; nothing was done",
			       out->problems.n, out->problems.n == 1 ? "" : "s");
	return 0;
}

void config_free(struct config *c)
{
	for (size_t i = 0; i < c->lines_n; i++)
		option_free_all(&c->lines[i]);
	free(c->lines);
	strv_free(&c->files);
	strv_free(&c->args);
	strv_free(&c->problems);
	strv_free(&c->warnings);
	*c = (struct config){ 0 };
}

const struct line_config *config_find(const struct config *c, const char *name)
{
	size_t lo = 0, hi = c->lines_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int d = strcmp(name, c->lines[mid].name);

		if (d == 0)
			return &c->lines[mid];
		if (d < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

bool config_looks(const struct line_config *c)
{
	const char *host;
	uint16_t port;
	bool any = c->endpoints.n > 0;

	for (size_t i = 0; i < c->owners.n && !any; i++)
		any = name_split_tcp(c->owners.v[i], &port, &host);
	return c->look && any;
}
