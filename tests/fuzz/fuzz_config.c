/* fuzz_config.c - a configuration of arbitrary bytes: a line's file, or, if it has a line of "====",
 * the defaults before that and the line's file after it.  What is accepted must be the same after
 * printing and reading again.
 * Touches: files in a temporary folder.
 */
#include "base/mem.h"
#include "run/config.h"

#include <fcntl.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char *folder(void)
{
	static char template[] = "/tmp/fuzz_config.XXXXXX", *made;

	if (!made && !(made = mkdtemp(template)))
		mem_bug("no temporary folder");
	return made;
}

static char *put(const char *name, const void *bytes, size_t len)
{
	char *path = mem_format("%s/%s", folder(), name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
		mem_bug("no temporary file");
	close(fd);
	return path;
}

static int load(struct config *c, char *defaults, char *line)
{
	struct strv args = { 0 };
	struct err e;
	int rc;

	if (defaults)
		strv_take(&args, defaults);
	strv_take(&args, line);
	rc = config_load(c, &args, &e);
	strv_free(&args);
	return rc;
}

static bool has_long_line(const char *text)
{
	size_t len = strcspn(text, "\n");

	while (text[len] && len < 3900) {
		text += len + 1;
		len = strcspn(text, "\n");
	}
	return len >= 3900;
}

/* NULL: a line of it may be over the limit, because the value moved to the right. */
static char *as_file(const struct line_config *l)
{
	size_t n;
	const struct config_option *o = config_options(&n);
	struct buf b;
	char *s;

	buf_init(&b, 16 << 20);
	for (size_t i = 0; i < n; i++) {
		char *value = config_value(l, i);

		if (i > 0 && strcmp(o[i - 1].section, o[i].section) != 0)
			buf_addf(&b, "[%s]\n", o[i].section);
		if (value)
			buf_addf(&b, "%s = %s\n", o[i].key, value);
		free(value);
	}
	s = buf_steal(&b);
	buf_free(&b);
	if (has_long_line(s)) {
		free(s);
		return NULL;
	}
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const uint8_t *cut = memmem(bytes, len, "\n====\n", 6);
	const uint8_t *line = cut ? cut + 6 : bytes;
	size_t line_len = len - (size_t)(line - bytes);
	struct config c, again;
	char *text, *text_again;

	if (load(&c, cut ? put("certline.conf", bytes, (size_t)(cut - bytes)) : NULL,
		 put("x.conf", line, line_len)) < 0) {
		if (!c.problems.n)
			mem_bug("refused without a reason");
		config_free(&c);
		return 0;
	}
	if (c.problems.n || c.lines_n != 1 || !c.state)
		mem_bug("accepted with problems");
	text = as_file(&c.lines[0]);
	if (text) {
		if (load(&again, NULL, put("x.conf", text, strlen(text))) < 0)
			mem_bug(again.problems.v[0]);
		text_again = as_file(&again.lines[0]);
		if (!text_again || strcmp(text, text_again) != 0)
			mem_bug("another line after printing and reading");
		free(text_again);
		config_free(&again);
	}
	free(text);
	config_free(&c);
	return 0;
}
