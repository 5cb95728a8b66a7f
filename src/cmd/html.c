/* html.c - the frame of a page, its style sheet, and the pieces it is made of.
 *
 * The style sheet is allowed by its digest; with "default-src 'none'" nothing else is, whatever a text held.
 * Touches: nothing.
 */
#include "cmd/html.h"

#include "base/mem.h"
#include "base/when.h"
#include "cmd/markup.h"
#include "cmd/svg.h"
#include "io/jose.h"

/* clang-format off */
static const char style[] =
	":root{color-scheme:light dark;--ground:#fff;--box:#f5f7f9;--text:#1a1f26;--quiet:#4f5a67;"
	"--rule:#ccd3da;--link:#14539a;--good:#0f5a33;--good-ground:#dff2e6;--bad:#8f1711;"
	"--bad-ground:#fde5e3;--note:#6a4500;--note-ground:#fbeecb}\n"
	"@media screen and (prefers-color-scheme:dark){:root{--ground:#12161c;--box:#1a2029;--text:#e6eaf0;"
	"--quiet:#a9b3bf;--rule:#3a434e;--link:#8fc1ff;--good:#8fe0b2;--good-ground:#143524;--bad:#ffb1aa;"
	"--bad-ground:#47191a;--note:#f3d48a;--note-ground:#3d3115}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0;background:var(--ground);color:var(--text);font:16px/1.5 " SVG_FACE "}\n"
	"main{max-width:1240px;margin:0 auto;padding:16px}\n"
	"h1,h2,h3{line-height:1.25;margin:1.6em 0 .5em;overflow-wrap:anywhere}\n"
	"h1{font-size:1.6rem;margin-top:.4em}\n"
	"h2{font-size:1.3rem;border-top:1px solid var(--rule);padding-top:.8em}\n"
	"h3{font-size:1.05rem}\n"
	"p,ul{margin:.4em 0}\n"
	"p,li,dd{overflow-wrap:anywhere}\n"
	"a{color:var(--link)}\n"
	"a:focus-visible,.scroll:focus-visible{outline:3px solid var(--link);outline-offset:2px}\n"
	".quiet{color:var(--quiet);font-size:.9rem}\n"
	".lead{font-size:1.15rem}\n"
	".state{display:inline-block;padding:0 .5em;border-radius:4px;font-weight:600;white-space:nowrap}\n"
	".good{color:var(--good);background:var(--good-ground)}\n"
	".bad{color:var(--bad);background:var(--bad-ground)}\n"
	".note{color:var(--note);background:var(--note-ground)}\n"
	"ul.bad,ul.note{list-style:none;padding:.4em .8em;border-left:4px solid}\n"
	".scroll{overflow-x:auto;border:1px solid var(--rule);border-radius:6px;margin:.6em 0}\n"
	"table{border-collapse:collapse;width:100%;font-size:.88rem}\n"
	"caption{text-align:left;padding:.4em .7em;font-weight:600;background:var(--box)}\n"
	"th,td{text-align:left;vertical-align:top;padding:.35em .7em;border-top:1px solid var(--rule)}\n"
	"thead th{background:var(--box);color:var(--quiet);white-space:nowrap}\n"
	"tbody th{font-weight:600;min-width:8.5em}\n"
	"code{font-family:ui-monospace,\"DejaVu Sans Mono\",monospace;font-size:.9em;word-break:break-all;"
	"display:block;min-width:18em}\n"
	"time{white-space:nowrap}\n"
	"svg.timeline{display:block;width:100%;min-width:1100px;height:auto}\n"
	"@media screen and (max-width:600px){table,caption,tbody,tr,th,td{display:block}"
	"thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}"
	"tr{padding:.4em .7em;border-top:1px solid var(--rule)}tbody th,td{padding:.1em 0;border:0;min-width:0;"
	"overflow-wrap:anywhere}td[data-of]{display:grid;grid-template-columns:7.5em minmax(0,1fr);gap:.5em}"
	"td::before{content:attr(data-of);color:var(--quiet)}td.none{display:none}"
	"td>*{justify-self:start}.state{white-space:normal}code{min-width:0}}\n"
	"@media print{body{font-size:11px}.scroll{overflow:visible;border:0}svg.timeline{min-width:0}"
	"h2,h3{break-after:avoid}tr,li{break-inside:avoid}a{color:inherit;text-decoration:none}}\n";
/* clang-format on */

/* base64 as the policy has it: of 32 bytes there is one "=" at the end. */
static void add_policy(struct buf *out, const char *sheet)
{
	char digest[JOSE_DIGEST_LEN + 1];

	jose_digest(digest, sheet);
	for (char *c = digest; *c; c++)
		*c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
	buf_addf(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		 "style-src 'sha256-%s='; base-uri 'none'; form-action 'none'\">\n", digest);
}

void html_begin(struct buf *out, const char *title)
{
	char *sheet = mem_format("\n%s%s", style, svg_style);

	buf_add_str(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
	add_policy(out, sheet);
	buf_add_str(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
			 "<meta name=\"color-scheme\" content=\"light dark\">\n"
			 "<meta name=\"referrer\" content=\"no-referrer\">\n"
			 "<meta name=\"robots\" content=\"noindex\">\n<title>");
	markup_text(out, title);
	buf_addf(out, "</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n", sheet);
	free(sheet);
}

void html_end(struct buf *out)
{
	buf_add_str(out, "</main>\n</body>\n</html>\n");
}

void html_heading(struct buf *out, int level, const char *id, const char *text)
{
	buf_addf(out, "<h%d", level);
	if (id) {
		buf_add_str(out, " id=\"");
		markup_text(out, id);
		buf_add_char(out, '"');
	}
	buf_add_char(out, '>');
	markup_text(out, text);
	buf_addf(out, "</h%d>\n", level);
}

static void open_tag(struct buf *out, const char *tag, const char *class)
{
	buf_addf(out, class ? "<%s class=\"%s\">" : "<%s>", tag, class);
}

void html_paragraph(struct buf *out, const char *class, const char *text)
{
	open_tag(out, "p", class);
	markup_text(out, text);
	buf_add_str(out, "</p>\n");
}

void html_list(struct buf *out, const char *class, const struct strv *texts)
{
	if (!texts->n)
		return;
	open_tag(out, "ul", class);
	for (size_t i = 0; i < texts->n; i++) {
		buf_add_str(out, "<li>");
		markup_text(out, texts->v[i]);
		buf_add_str(out, "</li>\n");
	}
	buf_add_str(out, "</ul>\n");
}

void html_time(struct buf *out, int64_t at)
{
	char exact[WHEN_TEXT_LEN], minute[WHEN_TEXT_LEN];

	if (at == 0 || at == WHEN_NEVER) {
		buf_add_char(out, '-');
		return;
	}
	when_format_instant(exact, at);
	when_format_minute(minute, at);
	buf_addf(out, "<time datetime=\"%s\">%s</time>", exact, minute);
}

/* Tables ------------------------------------------------------------------------------------------ */

static void begin_box(struct buf *out, const char *label)
{
	buf_add_str(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"");
	markup_text(out, label);
	buf_add_str(out, "\">\n");
}

void html_table_begin(struct html_table *t, struct buf *out, const char *label, bool captioned,
		      const char *const *columns, size_t n)
{
	*t = (struct html_table){ out, columns, n, 0 };
	begin_box(out, label);
	buf_add_str(out, "<table>\n");
	if (captioned) {
		buf_add_str(out, "<caption>");
		markup_text(out, label);
		buf_add_str(out, "</caption>\n");
	}
	buf_add_str(out, "<thead><tr>");
	for (size_t i = 0; i < n; i++) {
		buf_add_str(out, "<th scope=\"col\">");
		markup_text(out, columns[i]);
		buf_add_str(out, "</th>");
	}
	buf_add_str(out, "</tr></thead>\n<tbody>\n");
}

void html_row_begin(struct html_table *t, const char *heading)
{
	t->at = 1;
	buf_add_str(t->out, "<tr><th scope=\"row\">");
	markup_text(t->out, heading);
	buf_add_str(t->out, "</th>");
}

void html_row_link(struct html_table *t, const char *id, const char *heading)
{
	t->at = 1;
	buf_addf(t->out, "<tr><th scope=\"row\"><a href=\"#%s\">", id);
	markup_text(t->out, heading);
	buf_add_str(t->out, "</a></th>");
}

static void begin_cell(struct html_table *t, bool empty)
{
	buf_addf(t->out, "<td%s data-of=\"", empty ? " class=\"none\"" : "");
	markup_text(t->out, t->at < t->n ? t->columns[t->at] : "");
	buf_add_str(t->out, "\">");
	t->at++;
}

static void end_cell(struct html_table *t)
{
	buf_add_str(t->out, "</td>");
}

void html_cell(struct html_table *t, const char *text)
{
	if (!text || !*text)
		text = "-";
	begin_cell(t, strcmp(text, "-") == 0);
	markup_text(t->out, text);
	end_cell(t);
}

void html_cell_code(struct html_table *t, const char *text)
{
	begin_cell(t, false);
	buf_add_str(t->out, "<code>");
	markup_text(t->out, text);
	buf_add_str(t->out, "</code>");
	end_cell(t);
}

void html_cell_time(struct html_table *t, int64_t at)
{
	begin_cell(t, at == 0 || at == WHEN_NEVER);
	html_time(t->out, at);
	end_cell(t);
}

void html_cell_state(struct html_table *t, const char *state, const char *text)
{
	begin_cell(t, false);
	html_state(t->out, state, text);
	end_cell(t);
}

void html_row_end(struct html_table *t)
{
	buf_add_str(t->out, "</tr>\n");
}

void html_table_end(struct html_table *t)
{
	buf_add_str(t->out, "</tbody>\n</table>\n</div>\n");
}

void html_state(struct buf *out, const char *state, const char *text)
{
	buf_addf(out, "<span class=\"state %s\">", state);
	markup_text(out, text);
	buf_add_str(out, "</span>");
}

void html_picture_begin(struct buf *out, const char *label)
{
	begin_box(out, label);
}

void html_picture_end(struct buf *out)
{
	buf_add_str(out, "</div>\n");
}

/* What others hand in ------------------------------------------------------------------------------- */

void html_endpoints(struct buf *out, const struct html_endpoint *rows, size_t n)
{
	static const char *const columns[] = { "Owner", "Served key", "Address", "Kind", "Certificate ends",
					       "Seen", "Error" };
	struct html_table t;

	if (n == 0)
		return;
	html_heading(out, 3, NULL, "Endpoints");
	html_table_begin(&t, out, "Endpoints", false, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < n; i++) {
		html_row_begin(&t, rows[i].owner);
		html_cell_state(&t, rows[i].state, rows[i].key);
		html_cell(&t, rows[i].address);
		html_cell(&t, rows[i].family);
		html_cell_time(&t, rows[i].cert_until_at);
		html_cell_time(&t, rows[i].seen_at);
		html_cell(&t, rows[i].error);
		html_row_end(&t);
	}
	html_table_end(&t);
}

static void add_number(struct html_table *t, int n)
{
	char text[16] = "";

	if (n)
		snprintf(text, sizeof(text), "%d", n);
	html_cell(t, text);
}

void html_history(struct buf *out, const struct html_event *rows, size_t n)
{
	static const char *const columns[] = { "Event", "When", "Key", "Generation", "What" };
	struct html_table t;

	if (n == 0)
		return;
	html_table_begin(&t, out, "History", false, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < n; i++) {
		html_row_begin(&t, rows[i].event);
		html_cell_time(&t, rows[i].at);
		add_number(&t, rows[i].keyset);
		add_number(&t, rows[i].gen);
		html_cell(&t, rows[i].text);
		html_row_end(&t);
	}
	html_table_end(&t);
}
