/* look_groups.c - lines sorted by how they look.
 * Touches: nothing.
 */
#include "run/look_groups.h"

#include "run/look_how.h"
#include "sys/proc.h"

void look_groups(struct line **lines, size_t n, void (*look)(struct line **lines, size_t n))
{
	while (n && !proc_stopping()) {
		size_t group_n = 1;

		for (size_t i = 1; i < n; i++) {
			struct line *l = lines[i];

			if (!look_how_same(lines[0]->cfg, l->cfg))
				continue;
			lines[i] = lines[group_n];
			lines[group_n++] = l;
		}
		look(lines, group_n);
		lines += group_n;
		n -= group_n;
	}
}
