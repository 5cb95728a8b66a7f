/* generation.h - an immutable folder: keys, the certificates issued for them, and a manifest.
 *
 *     gen/000017/key.pem cert.pem chain.pem fullchain.pem combined.pem manifest.json
 *     and for each further key type the same with its name: key-rsa-2048.pem, ...
 *
 * Made under a temporary name, fsynced, renamed into place; nothing in it changes afterwards.  A renewal
 * makes a new generation whose key files are hard links to the old ones.
 */
#ifndef RUN_GENERATION_H
#define RUN_GENERATION_H

#include "core/keytype.h"
#include "core/tlsa.h"
#include "run/config.h"
#include "run/issue.h"

#define MANIFEST_VERSION 1

struct leaf {
	enum key_type type;
	struct tlsa_leaf spki;
	int64_t from_at, until_at;      /* validity of its certificate */
	char   *serial;                 /* hex */
	char   *fingerprint;            /* SHA-256 of the certificate, hex */
	char   *renewal_id;             /* RFC 9773 section 4.1; NULL: none */
};

struct generation {
	int     number;                 /* 0: none */
	int     keyset;
	int64_t made_at;
	int64_t key_created_at;
	char   *issuer;                 /* "self", "acme" or "adopted" */
	char   *ca;                     /* directory of the CA that issued; NULL: none did */
	bool    bootstrap;              /* a stand-in for a certificate of the configured issuer */
	struct strv names;
	struct strv left_out;           /* of the configured names: the CA has not authorized them */
	struct leaf *leaves;
	size_t  leaves_n;
	struct strv exposed;            /* a text for each private key that more may read than is configured */
};

void generation_free(struct generation *g);

/* "gen/000017" */
char *generation_dir(int number);

/* The name of a file of a generation: "key.pem", "key-rsa-2048.pem".  i: index of the leaf. */
char *generation_file(const char *base, size_t i, enum key_type t);

/* Reads the manifest, and checks that every file that it names is there with the recorded size.
 * Cheap: no key is parsed.  What others may read is no error, but in out->exposed. */
int generation_load(struct generation *out, const struct line_config *c, int number,
		    struct err *e) NEEDS_CHECK;

/* Reads every key and certificate and compares them with the manifest and with each other. */
int generation_verify(const struct generation *g, const struct line_config *c,
		      struct err *e) NEEDS_CHECK;

/* Makes a new generation with the number *number (the next free one).  from: the generation whose keys
 * are taken (a renewal), or NULL for fresh keys of the configured types.  Nothing points to it yet.
 * Fresh keys of a line with a CA get stand-ins: they are on disk before anybody is asked, so that a
 * renewal is all that ever asks a CA.  live: what servers have; NULL or number 0: nothing.  force: as in
 * struct issue_want.  pressing: what servers have must not stay, whatever else there is. */
int generation_make(int *number, const struct line_config *c, const struct generation *from,
		    const struct generation *live, bool force, bool pressing, int64_t now,
		    struct issue_report *r, struct err *e) NEEDS_CHECK;

/* Makes a generation of a key and certificate that another program left at these paths, byte by byte;
 * the age of the key is that of the file. */
int generation_adopt(int *number, const struct line_config *c, const char *key_path,
		     const char *cert_path, int64_t now, struct err *e) NEEDS_CHECK;

/* Numbers of all generations on disk, ascending; *n of them, the caller frees. */
int generation_list(int **numbers, size_t *n, const struct line_config *c, struct err *e) NEEDS_CHECK;

/* Copies its keys and certificates to [dirs] backups, if there is such a folder, and deletes it. */
int generation_remove(const struct line_config *c, int number, struct err *e) NEEDS_CHECK;

/* All of the configured names, but for those that were left out, if that is allowed. */
bool generation_fits_names(const struct generation *g, const struct line_config *c);
bool generation_fits_types(const struct generation *g, const struct line_config *c);
/* The validity of the certificate that ends first. */
void generation_validity(const struct generation *g, int64_t *from_at, int64_t *until_at);

#endif
