/* validator.c - libunbound as a validating stub or recursive resolver.
 * RFC 4033, RFC 4035.
 * Touches: the network, the trust anchor file.
 */
#include "io/validator.h"

#include "base/mem.h"
#include "sys/clock.h"

#include <netinet/in.h>
#include <poll.h>
#include <time.h>
#include <unbound.h>

struct validator {
	struct ub_ctx *ctx;
};

const char *security_name(enum security s)
{
	static const char *const names[] = {
		[SECURITY_UNKNOWN] = "unknown",
		[SECURITY_INSECURE] = "insecure",
		[SECURITY_SECURE] = "secure",
		[SECURITY_BOGUS] = "bogus",
	};
	_Static_assert(ARRAY_LEN(names) == SECURITY_BOGUS + 1, "a name for each");

	return names[s];
}

/* Set-up ---------------------------------------------------------------------------------------- */

/* Zones that libunbound would answer by itself, although in some places they are served. */
static const char *const built_in[] = {
	"test.", "invalid.", "onion.", "localhost.", "home.arpa.", "local.", "127.in-addr.arpa.",
	"10.in-addr.arpa.", "168.192.in-addr.arpa.",
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

static int set_options(struct ub_ctx *ctx, const struct validator_config *c, struct err *e)
{
	if (option(ctx, "do-not-query-localhost:", "no", e) < 0 ||
	    option(ctx, "do-ip6:", c->use_ipv6 ? "yes" : "no", e) < 0 ||
	    option(ctx, "module-config:", "validator iterator", e) < 0 ||
	    option(ctx, "use-syslog:", "no", e) < 0 || option(ctx, "logfile:", "/dev/null", e) < 0)
		return -1;
	if (c->pretended_at) {
		time_t at = c->pretended_at;
		char text[32];
		struct tm tm;

		gmtime_r(&at, &tm);
		strftime(text, sizeof(text), "%Y%m%d%H%M%S", &tm);
		if (option(ctx, "val-override-date:", text, e) < 0)
			return -1;
	}
	return 0;
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

/* This ends the set-up: libunbound takes no other change after it. */
static int open_built_in(struct ub_ctx *ctx, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(built_in); i++) {
		int rc = ub_ctx_zone_add(ctx, built_in[i], "transparent");

		if (rc)
			return err_set(e, ERR_LOCAL, "libunbound: zone %s: %s", built_in[i], ub_strerror(rc));
	}
	return 0;
}

int validator_new(struct validator **v, const struct validator_config *c, struct err *e)
{
	struct ub_ctx *ctx;
	int rc;

	*v = NULL;
	if (access(c->trust_anchor, R_OK) < 0)
		return err_sys(e, "the trust anchor %s cannot be read ([dns] trust-anchor; the Debian package "
			       "dns-root-data has one)", c->trust_anchor);
	ctx = ub_ctx_create();
	if (!ctx)
		return err_set(e, ERR_LOCAL, "libunbound cannot be set up");
	if (set_options(ctx, c, e) < 0 || set_servers(ctx, c, e) < 0)
		goto fail;
	rc = ub_ctx_add_ta_file(ctx, c->trust_anchor);
	if (rc) {
		err_set(e, ERR_LOCAL, "the trust anchor %s: %s", c->trust_anchor, ub_strerror(rc));
		goto fail;
	}
	ub_ctx_async(ctx, 1);
	if (open_built_in(ctx, e) < 0)
		goto fail;
	*v = mem_alloc(sizeof(**v));
	(*v)->ctx = ctx;
	return 0;
fail:
	ub_ctx_delete(ctx);
	return -1;
}

void validator_drop(struct validator *v)
{
	if (!v)
		return;
	ub_ctx_delete(v->ctx);
	free(v);
}

/* Lookups --------------------------------------------------------------------------------------- */

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
	char *owner = dns_name_canon(r->canonname ? r->canonname : r->qname);

	for (size_t i = 0; owner && r->data && r->data[i]; i++)
		dns_rrs_add(&l->rrs, &(struct dns_rr){
			.owner = owner, .type = l->type, .class_ = DNS_CLASS_IN,
			.ttl = r->ttl > 0 ? (uint32_t)r->ttl : 0,
			.rdata = (unsigned char *)r->data[i], .rdata_len = (size_t)r->len[i],
		});
	free(owner);
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
	if (r->bogus) {
		l->security = SECURITY_BOGUS;
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
		rc = ub_resolve_async(v->ctx, l[i].name, l[i].type, DNS_CLASS_IN, &p[i], arrived, &p[i].id);
		if (rc)
			arrived(&p[i], rc, NULL);
	}
	while (left) {
		struct pollfd fd = { .fd = ub_fd(v->ctx), .events = POLLIN };
		int64_t wait_ms = until_ms - clock_monotonic_ms();

		if (wait_ms <= 0)
			break;
		if (poll(&fd, 1, wait_ms > 1000 ? 1000 : (int)wait_ms) > 0)
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
		dns_rrs_free(&l[i].rrs);
	}
}
