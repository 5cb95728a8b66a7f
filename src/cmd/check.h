/* check.h - what `certline check` has found out, for those who show it. */
#ifndef CMD_CHECK_H
#define CMD_CHECK_H

#include "cmd/cmd.h"

#include "run/doctor_find.h"

struct check_service {
	struct line *line; /* whose it is; NULL: of whomever */
	struct doctor_seen seen;
	struct doctor_diagnosis found;
	bool looked; /* somebody has answered: a name server, or a server */
};

struct check_domain {
	struct mail_hosts mail;
	struct doctor_diagnosis found;
	size_t first, n; /* its hosts, among the services */
	size_t odd;      /* hosts that cannot be looked at, since their names are none */
};

struct check_line {
	struct line *line;
	struct doctor_findings findings; /* of the line as a whole */
};

struct check {
	const struct args *a;
	int64_t now;
	struct check_service *services;
	size_t services_n;
	struct check_domain *domains;
	size_t domains_n;
	struct check_line *lines;
	size_t lines_n;
};

void check_print(const struct check *c);
void check_print_json(const struct check *c);
/* One line, then one for each finding. */
void check_print_nagios(const struct check *c, const char *state);

#endif
