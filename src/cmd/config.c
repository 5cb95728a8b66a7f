/* config.c - `certline config`: the effective configuration, with the origin of each value.
 * Touches: stdout, stderr.
 */
#include "cmd/cmd.h"

#include "base/mem.h"
#include "io/json.h"

static void print_option(const struct config *c, const struct line_config *l, size_t i,
			 const char **section)
{
	size_t n;
	const struct config_option *o = &config_options(&n)[i];
	char *value = config_value(l, i), *origin = config_origin(c, l, i);

	if (value) {
		if (strcmp(*section, o->section) != 0)
			printf("\n[%s]\n", o->section);
		*section = o->section;
		printf("# %s\n%s = %s\n", origin, o->key, value);
	}
	free(value);
	free(origin);
}

static void print_text(const struct scene *s)
{
	size_t n;

	config_options(&n);
	for (size_t k = 0; k < s->n; k++) {
		const char *section = "";

		printf("%s# line %s (%s)\n", k ? "\n" : "", s->lines[k]->cfg->name,
		       s->config.files.v[s->lines[k]->cfg->file]);
		for (size_t i = 0; i < n; i++)
			print_option(&s->config, s->lines[k]->cfg, i, &section);
	}
}

static void print_json(const struct scene *s)
{
	size_t n;
	const struct config_option *options = config_options(&n);
	struct json *lines, *doc = begin_document(&lines, "lines");

	for (size_t k = 0; k < s->n; k++) {
		struct json *o = json_put(lines, NULL, json_object()), *list;

		json_put_str(o, "line", s->lines[k]->cfg->name);
		list = json_put(o, "options", json_array());
		for (size_t i = 0; i < n; i++) {
			char *value = config_value(s->lines[k]->cfg, i);
			char *origin = config_origin(&s->config, s->lines[k]->cfg, i);
			struct json *j = json_put(list, NULL, json_object());

			json_put_str(j, "section", options[i].section);
			json_put_str(j, "key", options[i].key);
			json_put_str(j, "value", value);
			json_put_str(j, "origin", origin);
			free(value);
			free(origin);
		}
	}
	print_document(doc);
}

enum exit_status cmd_config(const struct args *a)
{
	enum exit_status status;
	struct scene s;

	if (scene_open(&s, a, &status) < 0)
		return status;
	if (a->json)
		print_json(&s);
	else
		print_text(&s);
	scene_close(&s);
	return EXIT_OK;
}
