/* dane_try.c - verdicts of tls/dane.h from the command line, for dane_verdict.sh, and what they are about.
 *
 *     dane_try make FOLDER                                 NAME.pem and NAME.key of every certificate below
 *     dane_try record FOLDER USAGE SELECTOR MATCHING NAME  the record, in presentation form
 *     dane_try judge FOLDER web|mail "NAME..." HOST RECORD...
 *                                                          of a chain; prints "OUTCOME: WORDS"
 *
 * All is at the instant 1800000000.  Trusted is the CA in root.pem.
 * Touches: files in FOLDER.
 */
#include "../../unit/io/forge.h"
#include "tls/dane.h"

static struct forge all[] = {
	{ .name = "root", .subject = "Root CA", CA },
	{ .name = "other", .subject = "Other CA", CA },
	{ .name = "ca", .by = "root", .subject = "Issuing CA", CA },
	{ .name = "old-ca", .by = "root", .subject = "Issuing CA", .key = "ca", CA, .until_for = -HOUR },
	{ .name = "no-ca", .by = "root", .subject = "No CA", .constraints = "critical,CA:FALSE" },
	{ .name = "leaf", .by = "ca", .san = "DNS:mx.example.org" },
	{ .name = "wild", .by = "ca", .san = "DNS:*.example.org" },
	{ .name = "elsewhere", .by = "ca", .san = "DNS:www.example.org" },
	{ .name = "expired", .by = "ca", .san = "DNS:mx.example.org", .until_for = -HOUR },
	{ .name = "young", .by = "ca", .san = "DNS:mx.example.org", .from_for = HOUR },
	{ .name = "client", .by = "ca", .san = "DNS:mx.example.org", .uses = "clientAuth" },
	{ .name = "by-no-ca", .by = "no-ca", .san = "DNS:mx.example.org" },
	{ .name = "common", .by = "ca", .subject = "mx.example.org" },
	{ .name = "self", .san = "DNS:mx.example.org" },
	{ .name = "old-self", .san = "DNS:www.example.org", .until_for = -HOUR },
	{ .name = "next", .by = "ca", .san = "DNS:mx.example.org" },
};

static FILE *file_of(const char *folder, const char *name, const char *ending, const char *mode)
{
	char *path = mem_format("%s/%s.%s", folder, name, ending);
	FILE *f = fopen(path, mode);

	if (!f)
		mem_bug(path);
	free(path);
	return f;
}

static void make(const char *folder)
{
	forge_all(all, ARRAY_LEN(all));
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		FILE *cert = file_of(folder, all[i].name, "pem", "w"), *key = file_of(folder, all[i].name, "key", "w");

		PEM_write_X509(cert, all[i].x);
		PEM_write_PrivateKey(key, all[i].pkey, NULL, NULL, 0, NULL, NULL);
		if (fclose(cert) != 0 || fclose(key) != 0)
			mem_bug("a file cannot be written");
	}
}

/* Those that were made, and no others. */
static void load(const char *folder)
{
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		FILE *cert = file_of(folder, all[i].name, "pem", "r");

		all[i].x = PEM_read_X509(cert, NULL, NULL, NULL);
		all[i].pkey = X509_get_pubkey(all[i].x);
		fclose(cert);
	}
}

static void print_record(char **args)
{
	struct forge *f = forge_find(all, ARRAY_LEN(all), args[3]);
	struct tls_der der = forge_der(f, *args[1] == '1');
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	char *hex;

	if (*args[2] != '0') {
		EVP_Digest(der.v, der.len, raw, &len, *args[2] == '1' ? EVP_sha256() : EVP_sha512(), NULL);
		memcpy(der.v, raw, len);
		der.len = len;
	}
	hex = mem_alloc(2 * der.len + 1);
	text_hex(hex, der.v, der.len);
	printf("%s %s %s %s\n", args[0], args[1], args[2], hex);
	free(der.v);
	free(hex);
}

static void judge(const char *folder, char **args)
{
	struct presented p = forge_present(all, ARRAY_LEN(all), args[1]);
	struct strv names = { 0 }, records = { 0 };
	char *ca_file = mem_format("%s/root.pem", folder);
	struct dane_client as = { .mail = strcmp(args[0], "mail") == 0, .names = &names, .ca_file = ca_file, .now = NOW };
	struct dane_verdict v;

	strv_add(&names, args[2]);
	for (char **r = args + 3; *r; r++)
		strv_add(&records, *r);
	dane_judge(&v, &p, &records, &as);
	printf("%s: %s\n", dane_outcome_name(v.outcome), v.why ? v.why : "");
	dane_verdict_free(&v);
	presented_free(&p);
	strv_free(&names);
	strv_free(&records);
	free(ca_file);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "make") == 0) {
		make(argv[2]);
	} else if (argc == 7 && strcmp(argv[1], "record") == 0) {
		load(argv[2]);
		print_record(argv + 3);
	} else if (argc >= 6 && strcmp(argv[1], "judge") == 0) {
		load(argv[2]);
		judge(argv[2], argv + 3);
	} else {
		return 2;
	}
	forge_free(all, ARRAY_LEN(all));
	return 0;
}
