/* addr.h - an address and a port of IPv4 or IPv6, as text and for the kernel. */
#ifndef SYS_ADDR_H
#define SYS_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct addr {
	struct sockaddr_storage sa;
	socklen_t               len;    /* 0: none */
};

#define ADDR_TEXT_LEN 64

/* "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:5353"; numbers
 * only, nothing is looked up, no scopes ("%eth0").  Without a port: `port`; port 0 is none.  False,
 * and *a alone, for anything else. */
bool addr_parse(struct addr *a, const char *text, uint16_t port);

/* 4 or 16 bytes in network order, as in A and AAAA records. */
bool addr_from_bytes(struct addr *a, const void *bytes, size_t len, uint16_t port);

/* "192.0.2.1" on port 53 or none, else "192.0.2.1:5353", "[2001:db8::1]:5353"; "2001:db8::1" on port 53 or
 * none; "none". */
void addr_format(char out[ADDR_TEXT_LEN], const struct addr *a);

uint16_t addr_port(const struct addr *a);
bool addr_is_ipv6(const struct addr *a);
bool addr_is_loopback(const struct addr *a);    /* 127.0.0.0/8 or ::1 */
/* Address and port; an order for sorting: -, 0, +. */
bool addr_same(const struct addr *a, const struct addr *b);
int addr_compare(const struct addr *a, const struct addr *b);

#endif
