/* addr.c - an address and a port of IPv4 or IPv6, as text and for the kernel.
 *
 * Numbers only: nothing is looked up, and there are no scoped addresses ("fe80::1%eth0").
 * RFC 4291 section 2.2, RFC 3986 section 3.2.2 (brackets).
 * Touches: nothing.
 */
#include "sys/addr.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static struct sockaddr_in *v4(struct addr *a)
{
	return (struct sockaddr_in *)&a->sa;
}

static struct sockaddr_in6 *v6(struct addr *a)
{
	return (struct sockaddr_in6 *)&a->sa;
}

static const struct sockaddr_in *v4_of(const struct addr *a)
{
	return (const struct sockaddr_in *)&a->sa;
}

static const struct sockaddr_in6 *v6_of(const struct addr *a)
{
	return (const struct sockaddr_in6 *)&a->sa;
}

bool addr_from_bytes(struct addr *a, const void *bytes, size_t len, uint16_t port)
{
	struct addr made = { 0 };

	if (len == 4) {
		v4(&made)->sin_family = AF_INET;
		v4(&made)->sin_port = htons(port);
		memcpy(&v4(&made)->sin_addr, bytes, len);
		made.len = sizeof(struct sockaddr_in);
	} else if (len == 16) {
		v6(&made)->sin6_family = AF_INET6;
		v6(&made)->sin6_port = htons(port);
		memcpy(&v6(&made)->sin6_addr, bytes, len);
		made.len = sizeof(struct sockaddr_in6);
	} else {
		return false;
	}
	*a = made;
	return true;
}

/* The port behind the colon at s, or `port` if nothing is left there. */
static bool parse_port(uint16_t *out, const char *s, uint16_t port)
{
	int64_t n = port;

	if (*s && (*s != ':' || !text_number(s + 1, 65535, &n) || n == 0))
		return false;
	*out = (uint16_t)n;
	return true;
}

bool addr_parse(struct addr *a, const char *text, uint16_t port)
{
	char host[INET6_ADDRSTRLEN];
	const char *colon = strchr(text, ':');
	bool bracket = text[0] == '[';
	bool is_v6 = bracket || (colon && strchr(colon + 1, ':'));
	size_t len = bracket ? strcspn(++text, "]") : is_v6 ? strlen(text) : strcspn(text, ":");
	unsigned char bytes[16];

	if (len >= sizeof(host) || (bracket && text[len] != ']'))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (!parse_port(&port, text + len + (bracket ? 1 : 0), port) ||
	    inet_pton(is_v6 ? AF_INET6 : AF_INET, host, bytes) != 1)
		return false;
	return addr_from_bytes(a, bytes, is_v6 ? 16 : 4, port);
}

void addr_format(char out[ADDR_TEXT_LEN], const struct addr *a)
{
	char host[INET6_ADDRSTRLEN] = "";
	bool is_v6 = addr_is_ipv6(a);

	if (a->len == 0) {
		snprintf(out, ADDR_TEXT_LEN, "none");
		return;
	}
	inet_ntop(is_v6 ? AF_INET6 : AF_INET,
		  is_v6 ? (const void *)&v6_of(a)->sin6_addr : (const void *)&v4_of(a)->sin_addr,
		  host, sizeof(host));
	if (addr_port(a) == 53 || addr_port(a) == 0)
		snprintf(out, ADDR_TEXT_LEN, "%s", host);
	else
		snprintf(out, ADDR_TEXT_LEN, is_v6 ? "[%s]:%u" : "%s:%u", host, addr_port(a));
}

uint16_t addr_port(const struct addr *a)
{
	if (a->len == 0)
		return 0;
	return ntohs(addr_is_ipv6(a) ? v6_of(a)->sin6_port : v4_of(a)->sin_port);
}

bool addr_is_ipv6(const struct addr *a)
{
	return a->len && a->sa.ss_family == AF_INET6;
}

bool addr_is_loopback(const struct addr *a)
{
	if (a->len == 0)
		return false;
	return addr_is_ipv6(a) ? IN6_IS_ADDR_LOOPBACK(&v6_of(a)->sin6_addr)
			       : ntohl(v4_of(a)->sin_addr.s_addr) >> 24 == 127;
}

int addr_compare(const struct addr *a, const struct addr *b)
{
	int order;

	if (a->len == 0 || b->len == 0)
		return (a->len != 0) - (b->len != 0);
	if (addr_is_ipv6(a) != addr_is_ipv6(b))
		return addr_is_ipv6(a) ? 1 : -1;
	order = addr_is_ipv6(a) ? memcmp(&v6_of(a)->sin6_addr, &v6_of(b)->sin6_addr, 16)
				: memcmp(&v4_of(a)->sin_addr, &v4_of(b)->sin_addr, 4);
	return order ? order : (int)addr_port(a) - (int)addr_port(b);
}

bool addr_same(const struct addr *a, const struct addr *b)
{
	return addr_compare(a, b) == 0;
}
