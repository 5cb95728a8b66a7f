/* update_rows.c - servers and keys of zones, by configuration.
 * Touches: key files of [update].
 */
#include "run/update_rows.h"

#include "base/mem.h"
#include "core/names.h"

const char *update_row(const struct strv *rows, const char *name, char **zone)
{
	const char *found = NULL;
	size_t longest = 0;

	*zone = NULL;
	for (size_t i = 0; i < rows->n; i++) {
		size_t len = strcspn(rows->v[i], " ");
		char *z = mem_copy_strn(rows->v[i], len);
		size_t weight = strcmp(z, "*") == 0 ? 1 : strcmp(z, ".") == 0 ? 2 : len + 2;

		if ((strcmp(z, "*") == 0 || name_below(name, z)) && weight > longest) {
			longest = weight;
			found = rows->v[i] + len + 1;
			free(*zone);
			*zone = z;
			continue;
		}
		free(z);
	}
	return found;
}

int update_key(struct tsig_key *key, bool *signs, const struct line_config *c, const char *zone,
	       struct err *e)
{
	char *of;
	const char *path = update_row(&c->update_keys, zone, &of);
	int exposed = 0;

	*key = (struct tsig_key){ 0 };
	*signs = path;
	free(of);
	if (path && tsig_key_read(key, path, &exposed, e) < 0)
		return -1;
	if (exposed) {
		tsig_key_free(key);
		return err_set(e, ERR_UNSAFE, "%s can be read by everybody, and with it the zone %s can be changed: "
			       "chmod 600 it", path, zone);
	}
	return 0;
}
