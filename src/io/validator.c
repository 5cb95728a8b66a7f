/* validator.c - libunbound as a validating stub or recursive resolver.
 *
 * The trust anchor is read here first: of a file without a record libunbound says nothing, and then
 * takes every zone for insecure; of a folder it never stops reading.
 * RFC 4033, RFC 4035, RFC 6303 and RFC 6761 (zones that libunbound would answer by itself).
 * Touches: the network, the trust anchor file.
 */
#include "io/validator.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/proc.h"

#include <ctype.h>
#include <netinet/in.h>
#include <poll.h>
#include <strings.h>
#include <unbound.h>

#define ANCHOR_MAX ((size_t)1 << 20)
#define LOOK_UP_MS 250          /* a signal may come just before poll() */

bool security_worse(enum security a, enum security b)
{
	static const int badness[] = {
		[SECURITY_SECURE] = 0, [SECURITY_INSECURE] = 1, [SECURITY_UNKNOWN] = 2, [SECURITY_BOGUS] = 3,
	};

	return badness[a] > badness[b];
}

struct validator {
	struct ub_ctx *ctx;
};

/* Set-up --------------------------------------------------------------------------------------- */

/* Zones that libunbound would answer by itself, beside those of private addresses. */
static const char *const built_in[] = {
	"test.", "invalid.", "onion.", "localhost.", "home.arpa.", "local.", "127.in-addr.arpa.",
};

static int option(struct ub_ctx *ctx, const char *name, const char *value, struct err *e)
{
	int rc = ub_ctx_set_option(ctx, name, value);

	return rc ? err_set(e, ERR_LOCAL, "libunbound: option %s: %s", name, ub_strerror(rc)) : 0;
}

/* libunbound writes "address@port". */
static char *at_port(const struct addr *a)
{
	struct addr on_53 = *a;
	char text[ADDR_TEXT_LEN], *s;
	uint16_t port = addr_port(a);

	if (addr_is_ipv6(a))
		((struct sockaddr_in6 *)&on_53.sa)->sin6_port = htons(53);
	else
		((struct sockaddr_in *)&on_53.sa)->sin_port = htons(53);
	addr_format(text, &on_53);
	s = mem_format("%s@%u", text, port);
	return s;
}

/* "20261128140200", as libunbound wants it. */
static void date_digits(char out[WHEN_TEXT_LEN], int64_t at)
{
	char text[WHEN_TEXT_LEN], *to = out;

	when_format_instant(text, at);
	for (const char *p = text; *p; p++)
		if (isdigit((unsigned char)*p))
			*to++ = *p;
	*to = '\0';
}

static int set_options(struct ub_ctx *ctx, const struct validator_config *c, struct err *e)
{
	const char *modules = c->trust_anchor ? "validator iterator" : "iterator";
	char date[WHEN_TEXT_LEN];

	if (option(ctx, "do-not-query-localhost:", "no", e) < 0 ||
	    option(ctx, "unblock-lan-zones:", "yes", e) < 0 ||
	    option(ctx, "do-ip6:", c->use_ipv6 ? "yes" : "no", e) < 0 ||
	    option(ctx, "module-config:", modules, e) < 0 ||
	    option(ctx, "use-syslog:", "no", e) < 0 || option(ctx, "logfile:", "/dev/null", e) < 0)
		return -1;
	date_digits(date, c->pretended_at);
	return c->pretended_at ? option(ctx, "val-override-date:", date, e) : 0;
}

/* Whether a line of a zone file holds a key or a digest. */
static bool is_anchor(char *line)
{
	line[strcspn(line, ";")] = '\0';
	for (char *p = line; *p;) {
		size_t len = strcspn(p, " \t\r");

		if ((len == 2 && strncasecmp(p, "DS", len) == 0) ||
		    (len == 6 && strncasecmp(p, "DNSKEY", len) == 0))
			return true;
		p += len + strspn(p + len, " \t\r");
	}
	return false;
}

/* How anchors are named in errors. */
#define ANCHOR "the trust anchor %s ([dns] trust-anchor; the Debian package dns-root-data has one)"

static int set_anchor(struct ub_ctx *ctx, const char *path, struct err *e)
{
	struct buf text;
	bool found = false;
	char *rest, *line;
	int rc;

	buf_init(&text, ANCHOR_MAX);
	if (fs_read(&text, path, ANCHOR_MAX, NULL, e) < 0) {
		buf_free(&text);
		return err_wrap(e, ANCHOR, path);
	}
	rest = text.s;
	while ((line = strsep(&rest, "\n")))
		found |= is_anchor(line);
	buf_free(&text);
	if (!found)
		return err_set(e, ERR_LOCAL, ANCHOR ": no DS and no DNSKEY record in it", path);
	rc = ub_ctx_add_ta_file(ctx, path);
	return rc ? err_set(e, ERR_LOCAL, ANCHOR ": %s", path, ub_strerror(rc)) : 0;
}

static int set_servers(struct ub_ctx *ctx, const struct validator_config *c, struct err *e)
{
	for (size_t i = 0; i < c->forward_n; i++) {
		char *to = at_port(&c->forward[i]);
		int rc = ub_ctx_set_fwd(ctx, to);

		free(to);
		if (rc)
			return err_set(e, ERR_LOCAL, "libunbound: a resolver: %s", ub_strerror(rc));
	}
	for (size_t i = 0; i < c->stubs_n; i++) {
		for (size_t k = 0; k < c->stubs[i].servers_n; k++) {
			char *to = at_port(&c->stubs[i].servers[k]);
			int rc = ub_ctx_set_stub(ctx, c->stubs[i].zone, to, 0);

			free(to);
			if (rc)
				return err_set(e, ERR_LOCAL, "libunbound: servers of %s: %s",
					       c->stubs[i].zone, ub_strerror(rc));
		}
	}
	return 0;
}

/* This ends the set-up: libunbound takes no other change after it, and reads the anchor now. */
static int open_built_in(struct ub_ctx *ctx, const struct validator_config *c, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(built_in); i++) {
		int rc = ub_ctx_zone_remove(ctx, built_in[i]);

		if (rc == UB_INITFAIL && c->trust_anchor)
			return err_set(e, ERR_LOCAL, ANCHOR ": libunbound cannot use it",
				       c->trust_anchor);
		if (rc)
			return err_set(e, ERR_LOCAL, "libunbound: zone %s: %s", built_in[i],
				       ub_strerror(rc));
	}
	return 0;
}

int validator_new(struct validator **v, const struct validator_config *c, struct err *e)
{
	struct ub_ctx *ctx = ub_ctx_create();

	*v = NULL;
	if (!ctx)
		return err_set(e, ERR_LOCAL, "libunbound cannot be set up");
	ub_ctx_async(ctx, 1);
	if (set_options(ctx, c, e) < 0 || set_servers(ctx, c, e) < 0 ||
	    (c->trust_anchor && set_anchor(ctx, c->trust_anchor, e) < 0) ||
	    open_built_in(ctx, c, e) < 0) {
		ub_ctx_delete(ctx);
		return -1;
	}
	*v = mem_alloc(sizeof(**v));
	(*v)->ctx = ctx;
	return 0;
}

void validator_drop(struct validator *v)
{
	if (!v)
		return;
	ub_ctx_delete(v->ctx);
	free(v);
}

/* Lookups -------------------------------------------------------------------------------------- */

struct pending {
	struct lookup *l;
	size_t        *left;
	bool           done;
	int            id;
};

static char *printable(const char *s)
{
	char *copy = mem_copy_str(s);

	for (char *p = copy; *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
			*p = '?';
	return copy;
}

static void take_data(struct lookup *l, const struct ub_result *r)
{
	for (size_t i = 0; l->end && r->data && r->data[i]; i++)
		dns_rrs_add(&l->rrs, &(struct dns_rr){
			.owner = l->end, .type = l->type, .class_ = DNS_CLASS_IN,
			.ttl = r->ttl > 0 ? (uint32_t)r->ttl : 0,
			.rdata = (unsigned char *)r->data[i], .rdata_len = (size_t)r->len[i],
		});
}

static void arrived(void *arg, int err, struct ub_result *r)
{
	struct pending *p = arg;
	struct lookup *l = p->l;

	p->done = true;
	--*p->left;
	if (err || !r) {
		l->why = mem_format("libunbound: %s", ub_strerror(err));
		ub_resolve_free(r);
		return;
	}
	l->rcode = r->rcode;
	l->nxdomain = r->nxdomain;
	l->end = dns_name_canon(r->canonname ? r->canonname : r->qname);
	if (r->bogus) {
		l->security = SECURITY_BOGUS;
		take_data(l, r);
		l->why = r->why_bogus ? printable(r->why_bogus) : mem_copy_str("no reason given");
	} else if (r->rcode != DNS_NOERROR && r->rcode != DNS_NXDOMAIN) {
		l->why = mem_format("looking up %s %s gave %s", l->name, dns_type_name(l->type),
				    dns_rcode_name(r->rcode));
	} else {
		l->security = r->secure ? SECURITY_SECURE : SECURITY_INSECURE;
		take_data(l, r);
	}
	ub_resolve_free(r);
}

void validator_lookup_all(struct validator *v, struct lookup *l, size_t n, int64_t limit_ms)
{
	struct pending *p = mem_array(n, sizeof(*p));
	int64_t until_ms = clock_monotonic_ms() + limit_ms;
	size_t left = n;

	for (size_t i = 0; i < n; i++) {
		int rc;

		p[i] = (struct pending){ .l = &l[i], .left = &left };
		rc = ub_resolve_async(v->ctx, l[i].name, l[i].type, DNS_CLASS_IN, &p[i], arrived,
				      &p[i].id);
		if (rc)
			arrived(&p[i], rc, NULL);
	}
	while (left && !proc_stopping()) {
		struct pollfd fd = { .fd = ub_fd(v->ctx), .events = POLLIN };
		int64_t wait_ms = until_ms - clock_monotonic_ms();

		if (wait_ms <= 0)
			break;
		if (poll(&fd, 1, wait_ms > LOOK_UP_MS ? LOOK_UP_MS : (int)wait_ms) > 0)
			ub_process(v->ctx);
	}
	for (size_t i = 0; i < n; i++) {
		if (p[i].done)
			continue;
		ub_cancel(v->ctx, p[i].id);
		l[i].why = mem_format("looking up %s %s gave no answer in time", l[i].name,
				      dns_type_name(l[i].type));
	}
	free(p);
}

void lookups_free(struct lookup *l, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(l[i].why);
		free(l[i].end);
		dns_rrs_free(&l[i].rrs);
	}
}
