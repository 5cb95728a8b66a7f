/* exposure.h - private keys that others than the configured may read. */
#ifndef RUN_EXPOSURE_H
#define RUN_EXPOSURE_H

#include "run/line.h"

/* A text for each file, with what mends it: keys of all slots of a line, and those of its accounts. */
void exposure_alarms(struct strv *out, const struct line *l);

#endif
