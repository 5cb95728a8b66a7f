/* doctor_seen.h - what was seen of one service from outside: its TLSA sets at every name server, its
 * addresses, and each key that a client can meet there; and all of that as text for the pipe of a worker.
 *
 * Observations only: what follows from them is run/doctor_find.h.
 */
#ifndef RUN_DOCTOR_SEEN_H
#define RUN_DOCTOR_SEEN_H

#include "dns/hosts.h"
#include "dns/look.h"
#include "tls/dane.h"
#include "tls/probe.h"

struct json;

/* A set that some name server gives, and who they are. */
struct doctor_set {
	struct strv data;               /* sorted */
	struct strv servers;            /* "192.0.2.1 (ns1.example.org)" */
	bool        signed_ok;          /* at least one of them gives it with a good signature */
};

/* What a client meets at one address that offers to take one kind of key. */
struct doctor_view {
	struct addr        addr;
	enum tls_offer     offer;       /* ANY: the outcome does not depend on it, or no offer helped */
	enum probe_outcome outcome;
	char              *why;         /* of a failure; NULL */
	char               protocol[16];        /* of OK, and all that follows too */
	struct presented   chain;       /* without the DER of it; none: it cannot be read, `why` */
	bool               named;       /* the leaf is for one of the names that clients look for */
	enum presented_fault fault;     /* to clients that know CAs */
	char              *fault_why;
	enum presented_fault beside;    /* a fault of dates or names: what there would be without those */
	char              *beside_why;
	struct dane_verdict *dane;      /* by each of the sets, as if it could be believed */
	int64_t            at;
};

struct doctor_seen {
	char          *owner;           /* TLSA owner; NULL: there are no records to look for */
	char          *host, *base;     /* HOST of it, and the TLSA base domain (RFC 7671 section 7) */
	unsigned       port;
	enum starttls  starttls;
	bool           mail;            /* between mail servers: RFC 7672 */
	char          *mail_domain;     /* whose mail host it is; NULL */
	char          *unlookable;      /* why nobody can be connected to: "UDP"; NULL */
	char          *problem;         /* the look itself failed: nothing below is there; NULL */
	/* at the owner, and at the end of the host's aliases if these are secure */
	struct look_owner *dns;
	size_t         dns_n;
	size_t         used;            /* the one whose records clients take */
	struct host    at;
	bool           addrs_given;     /* ... and its addresses were */
	struct doctor_set *sets;        /* of dns[used] */
	size_t         sets_n;
	struct doctor_view *views;      /* by address, then offer */
	size_t         views_n;
};

void doctor_seen_free(struct doctor_seen *s, size_t n);         /* the contents; not the array */

/* The sets that the servers at the end of the aliases give; fills out->sets. */
void doctor_seen_sets(struct doctor_seen *s);
/* The servers of dns[used] that were asked about the end of its aliases. */
bool doctor_seen_final(const struct look_owner *o, const struct look_server *v);
/* "192.0.2.1 (ns1.example.org)"; the caller frees. */
char *doctor_seen_server(const struct look_server *v);

void doctor_seen_put(struct json *list, const struct doctor_seen *s);
bool doctor_seen_get(struct doctor_seen *s, const struct json *o);      /* false: it is none */
void doctor_mail_put(struct json *list, const struct mail_hosts *m);
bool doctor_mail_get(struct mail_hosts *m, const struct json *o);

#endif
