/* ca.h - a line's account at a CA, ready for use: folder, key, account URL, session.
 *
 *     STATE/accounts/CA/lock                  while the account is worked on
 *     STATE/accounts/CA/use                   shared while its key signs; locked while it gets another one
 *     STATE/accounts/CA/account.key           unless [acme] account-key names another file
 *     STATE/accounts/CA/account.key.next      while a key roll-over is under way
 *     STATE/accounts/CA/account.key.next.*    one that the CA did not take, or did not know
 *     STATE/accounts/CA/account.json          url, the key's thumbprint, the terms that were agreed to
 *     STATE/accounts/CA/account.json.damaged  one that could not be used; nobody reads it
 *
 * Every CA has its own folder, so that a test environment never meets an account that counts.
 */
#ifndef RUN_CA_H
#define RUN_CA_H

#include "acme/account.h"
#include "run/config.h"
#include "sys/lock.h"

struct ca_account {
	char *ca;                       /* as in the configuration */
	char *directory;                /* URL */
	char *folder, *key_path, *file;
	struct key *key;
	char  thumbprint[JOSE_DIGEST_LEN + 1];
	char *url;                      /* NULL: not known */
	char *terms;                    /* that were agreed to, or NULL */
	int64_t not_before_at;          /* a rate limit that is the account's; 0: none */
	bool  damaged;                  /* account.json cannot be used, and was or will be put aside */
	struct session *session;
	unsigned *permitted;            /* as caa_check.h has it */
	struct rest rest;               /* what the CA has asked for in the session */
	struct json *problems;          /* as in struct session_config; set after ca_read() */
	struct lock lock, use;
};

/* Of one that was read: opens a session and makes sure of the account: one that is known, one that
 * the key has already, or, with agree-tos = yes, a new one, which is told.  Several processes may do it at
 * the same time.  Until it is closed nobody gives the account another key. */
int ca_connect(struct ca_account *a, const struct line_config *c, struct err *e) NEEDS_CHECK;
/* The same without making any: then url is NULL, and only calls with a key of their own can be made. */
int ca_connect_if_known(struct ca_account *a, const struct line_config *c, struct err *e) NEEDS_CHECK;

/* For commands about the account: read, and a session, without making one (url may stay NULL), with
 * the lock held.  alone: waits until nobody uses it, for ca_change_key(). */
int ca_open_account(struct ca_account *a, const struct line_config *c, const char *ca, bool alone,
		    struct err *e) NEEDS_CHECK;

/* What is on disk, without asking anybody: url, terms and the key's path; -1 only if it cannot be read. */
int ca_read(struct ca_account *a, const struct line_config *c, const char *ca, struct err *e)
	NEEDS_CHECK;

/* Whether there is an account, and its key is not where it was. */
bool ca_key_lost(const struct ca_account *a);

/* A text for each account of a line that cannot be used as it is on disk, or whose key others may read. */
void ca_alarms(struct strv *out, const struct line_config *c);

int ca_register(struct ca_account *a, const struct line_config *c, struct err *e) NEEDS_CHECK;
/* The account is no more: its file is moved out of the way, so that nobody uses it unasked. */
int ca_forget(const struct ca_account *a, struct err *e) NEEDS_CHECK;
/* Gives the account a new key; also goes on with a roll-over that was interrupted. */
int ca_change_key(struct ca_account *a, struct err *e) NEEDS_CHECK;
void ca_close(struct ca_account *a);            /* a zeroed one is fine */

/* Notes that the CA wants no orders of this account before an instant. */
void ca_rest_until(struct ca_account *a, int64_t at);

#endif
