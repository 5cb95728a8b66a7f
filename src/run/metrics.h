/* metrics.h - how all lines are, as a file for Prometheus: text exposition format, absolute instants.
 *
 * Its size: ten samples a line, and some for each key type, slot, owner, failing step and server.
 */
#ifndef RUN_METRICS_H
#define RUN_METRICS_H

#include "run/line.h"

/* What was seen of one endpoint of a line with one key type. */
struct metric_endpoint {
	const char *owner, *endpoint, *type;
	bool        ok;                 /* it presents what it should */
	int64_t     seen_at;            /* the last time that it answered; 0: never */
	int64_t     not_after_at;       /* of the certificate that it presents; 0: not known */
};

/* One file for each metrics-file that is configured, with the lines that name it, whether or not they took
 * part in this run.  Files are replaced, mode 0644.  Loads lines.  `endpoints` returns how many a line has,
 * and *out: an array that is freed here. */
int metrics_write(struct world *w,
		  size_t (*endpoints)(struct metric_endpoint **out, const struct world *w, const struct line *l),
		  int64_t now, struct err *e) NEEDS_CHECK;

/* Pure: samples in the order in which they are added; one name must come in one go. */
struct metric_label {
	const char *name, *value;
};
void metric_head(struct buf *out, const char *name, const char *help);
void metric_sample(struct buf *out, const char *name, const struct metric_label *labels, size_t n,
		   int64_t value);

#endif
