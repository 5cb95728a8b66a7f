/* respond_parts.h - what respond.c and respond_*.c share; nobody else includes it. */
#ifndef RUN_RESPOND_PARTS_H
#define RUN_RESPOND_PARTS_H

#include "dns/look.h"
#include "run/respond.h"

/* A challenge and where it was put. */
struct placed {
	struct challenge *c;
	enum method       method;
	bool              done;         /* put in place, or tried */
	bool              failed;       /* the CA did not accept it, or never saw it */
	bool              owed;         /* has to be taken away: stands in the diary */
	int64_t           tries;        /* to take it away, that failed */
	char             *dir;          /* webroot: where its file is */
	/* dns */
	char        *record;            /* "_acme-challenge.www.example.org", or what stands for it */
	char        *at;                /* where it is written: the end of its aliases */
	char        *apex;
	struct addr *servers;
	size_t       servers_n;
	/* hooks */
	char        *output;            /* what certbot's kind of hook printed */
};

/* All of them work on those of x->v that have the method, and no error; errors go into v[i].c->err. */
void respond_dns_find(struct respond *x);               /* record, at, apex, servers */
void respond_dns_put(struct respond *x);
void respond_dns_take(struct respond *x);
void respond_dns_look(struct respond *x);               /* for all dns-01 challenges, by whatever method */
void respond_hook_put(struct respond *x);
void respond_hook_take(struct respond *x);
void respond_http_look(struct respond *x);

/* Writes down all that is owed; the file goes if nothing is. */
int respond_write_diary(const struct respond *x, struct err *e) NEEDS_CHECK;

#endif
