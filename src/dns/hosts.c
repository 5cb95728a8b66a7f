/* hosts.c - addresses of hosts and mail hosts of domains, by questions that whoever validates answers.
 *
 * RFC 7671 section 7 (aliases), RFC 7672 section 2.2, RFC 5321 section 5.1 (MX), RFC 7505 (null MX).
 * Touches: the network.
 */
#include "dns/hosts.h"

#include "base/mem.h"

/* Hosts ---------------------------------------------------------------------------------------- */

static int compare_addrs(const void *a, const void *b)
{
	return addr_compare(a, b);
}

static void add_addresses(struct host *h, const struct resolved *r, uint16_t port)
{
	size_t len = r->type == DNS_A ? 4 : 16;

	for (size_t i = 0; i < r->msg.answer.n; i++) {
		const struct dns_rr *rr = &r->msg.answer.v[i];
		struct addr a;

		if (rr->type != r->type || rr->rdata_len != len || strcmp(rr->owner, r->end) != 0 ||
		    !addr_from_bytes(&a, rr->rdata, len, port))
			continue;
		h->addrs = mem_resize(h->addrs, h->addrs_n + 1, sizeof(*h->addrs));
		h->addrs[h->addrs_n++] = a;
	}
}

static void tidy_addresses(struct host *h)
{
	size_t n = 0;

	if (h->addrs_n)
		qsort(h->addrs, h->addrs_n, sizeof(*h->addrs), compare_addrs);
	for (size_t i = 0; i < h->addrs_n; i++)
		if (n == 0 || !addr_same(&h->addrs[n - 1], &h->addrs[i]))
			h->addrs[n++] = h->addrs[i];
	h->addrs_n = n < HOST_ADDRS_MAX ? n : HOST_ADDRS_MAX;
	h->more = n - h->addrs_n;
}

/* r: the answers about A and AAAA. */
static void take_host(struct host *h, const char *name, uint16_t port, const struct resolved r[2])
{
	*h = (struct host){ .name = mem_copy_str(name), .security = SECURITY_SECURE };
	for (size_t i = 0; i < 2; i++) {
		if (security_worse(r[i].security, h->security)) {
			h->security = r[i].security;
			free(h->why);
			h->why = mem_copy_str(r[i].why);
		}
		h->lost[i] = !r[i].ok;
		if (!r[i].ok || !r[i].end)
			continue;
		add_addresses(h, &r[i], port);
		if (!h->end)
			h->end = mem_copy_str(r[i].end);
	}
	tidy_addresses(h);
	if (!h->end)
		h->end = mem_copy_str(name);
	if (!r[0].ok || !r[1].ok)
		h->problem = mem_copy_str(r[0].ok ? r[1].why : r[0].why);
	else if (r[0].msg.rcode == DNS_NXDOMAIN)
		h->problem = strcmp(h->end, name) == 0 ? mem_copy_str("there is no such name") :
			     mem_format("it is an alias of %s, and there is no such name", h->end);
	else if (!h->addrs_n)
		h->problem = mem_copy_str("it has no addresses");
}

void hosts_find(struct host *out, const char *const *names, const uint16_t *ports, size_t n,
		const struct look_config *c)
{
	struct resolved *r = mem_array(2 * n, sizeof(*r));
	struct finder f;

	for (size_t i = 0; i < 2 * n; i++)
		r[i] = (struct resolved){ .name = names[i / 2], .type = i % 2 ? DNS_AAAA : DNS_A, .checked = true };
	finder_init(&f, c);
	finder_look_up(&f, r, 2 * n);
	for (size_t i = 0; i < n; i++)
		take_host(&out[i], names[i], ports[i], &r[2 * i]);
	resolved_free(r, 2 * n);
	finder_free(&f);
	free(r);
}

void hosts_free(struct host *h, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(h[i].name);
		free(h[i].end);
		free(h[i].why);
		free(h[i].addrs);
		free(h[i].problem);
		h[i] = (struct host){ 0 };
	}
}

/* Mail hosts ----------------------------------------------------------------------------------- */

static int compare_mail_hosts(const void *a, const void *b)
{
	const struct mail_host *x = a, *y = b;

	if (x->preference != y->preference)
		return x->preference < y->preference ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void add_mail_host(struct mail_hosts *m, char *name, unsigned preference)
{
	m->v = mem_resize(m->v, m->n + 1, sizeof(*m->v));
	m->v[m->n++] = (struct mail_host){ name, preference };
}

/* Each once, where it is preferred most; the least preferred beyond the limit go. */
static void tidy_mail_hosts(struct mail_hosts *m)
{
	size_t n = 0;

	if (m->n)
		qsort(m->v, m->n, sizeof(*m->v), compare_mail_hosts);
	for (size_t i = 0; i < m->n; i++) {
		bool known = n == MAIL_HOSTS_MAX;

		for (size_t k = 0; k < n && !known; k++)
			known = strcmp(m->v[k].name, m->v[i].name) == 0;
		if (known)
			free(m->v[i].name);
		else
			m->v[n++] = m->v[i];
	}
	m->n = n;
}

/* "." is not a host. */
static void take_mail_hosts(struct mail_hosts *m, const struct resolved *r)
{
	size_t found = 0;

	for (size_t i = 0; i < r->msg.answer.n; i++) {
		unsigned preference;
		char *name;

		if (!r->end || strcmp(r->msg.answer.v[i].owner, r->end) != 0 ||
		    !dns_rr_mx(&name, &preference, &r->msg.answer.v[i]))
			continue;
		found++;
		if (strcmp(name, ".") != 0) {
			add_mail_host(m, name, preference);
			continue;
		}
		m->null_mx = true;
		free(name);
	}
	m->implicit = !found;
	if (m->implicit)
		add_mail_host(m, mem_copy_str(m->domain), 0);
	tidy_mail_hosts(m);
}

void mail_hosts_find(struct mail_hosts *out, const char *domain, const struct look_config *c)
{
	struct resolved r = { .name = domain, .type = DNS_MX, .checked = true };
	struct finder f;

	finder_init(&f, c);
	finder_look_up(&f, &r, 1);
	*out = (struct mail_hosts){ .domain = mem_copy_str(domain), .security = r.security,
				    .why = mem_copy_str(r.why) };
	if (!r.ok)
		out->problem = mem_copy_str(r.why);
	else if (r.msg.rcode == DNS_NXDOMAIN)
		out->problem = mem_copy_str("there is no such name");
	else
		take_mail_hosts(out, &r);
	resolved_free(&r, 1);
	finder_free(&f);
}

void mail_hosts_free(struct mail_hosts *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->v[i].name);
	free(m->v);
	free(m->domain);
	free(m->why);
	free(m->problem);
	*m = (struct mail_hosts){ 0 };
}
