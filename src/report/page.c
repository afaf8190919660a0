/* SPDX-License-Identifier: MIT */
/* One file that shows runs: the template with its style and script, and the document that the script draws. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/text.h"
#include "report/page.h"

enum { PICTURES_TOGETHER = 3200000 /* bytes; as text a third more, so that a page stays under 5 MB */ };

static json_t *compose(const char *const *runs, size_t count, bool pictures, duet_error *error)
{
    if (count == 0) {
        duet_fail(error, DUET_ERROR_USAGE, "a page is of one run or more");
        return NULL;
    }
    json_t *document = json_pack("{s:i, s:s}", "schema", 1, "duet", duet_version()), *collected = json_array();
    const duet_page_wish wish = {.pictures = pictures, .alone = count == 1, .picture_bytes = PICTURES_TOGETHER / count};
    char now[32];
    time_t seconds = time(NULL);
    struct tm parts;
    if (gmtime_r(&seconds, &parts) != NULL && strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &parts) > 0)
        duet_json_set(&document, "made", json_string(now));
    for (size_t i = 0; collected != NULL && i < count; i++)
        duet_json_append(&collected, duet_page_collect(runs[i], &wish, error));
    duet_json_set(&document, "runs", collected);
    if (document != NULL) duet_page_compare(&document);
    if (document == NULL) duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a page");
    return document;
}

/* The document as text; the caller frees it. */
static char *dump(json_t *document, size_t flags, duet_error *error)
{
    char *text = duet_json_write(document, flags | JSON_REAL_PRECISION(9));
    json_decref(document);
    if (text == NULL) duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a page");
    return text;
}

duet_status duet_page_document(const char *const *runs, size_t count, char **text, duet_error *error)
{
    duet_error own = {0};
    json_t *document = compose(runs, count, false, &own);
    *text = document == NULL ? NULL : dump(document, JSON_INDENT(2), &own);
    return own.status == DUET_OK ? DUET_OK : duet_fail(error, own.status, "%s", own.message);
}

/* JSON inside HTML: "<" would end the script that holds it, or begin a comment; elsewhere than in strings it is not. */
static void add_json(duet_text *page, const char *json)
{
    for (const char *piece = json; *piece != '\0';) {
        size_t length = strcspn(piece, "<>&");
        duet_text_add(page, "%.*s", (int)length, piece);
        piece += length;
        if (*piece != '\0') duet_text_add(page, "\\u%04x", (unsigned)(unsigned char)*piece++);
    }
}

static void add_escaped(duet_text *page, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("<>&\"'", *text) != NULL)
            duet_text_add(page, "&#%d;", *text);
        else
            duet_text_add(page, "%c", *text);
    }
}

static void add_title(duet_text *page, json_t *document)
{
    json_t *run;
    size_t i;
    json_array_foreach(json_object_get(document, "runs"), i, run)
    {
        if (i > 0) duet_text_add(page, ", ");
        add_escaped(page, json_string_value(json_object_get(run, "name")));
    }
}

/* The template, with "@NAME@" replaced by what it names. */
static duet_status fill_template(duet_text *page, json_t *document, duet_error *error)
{
    duet_text title = {0};
    add_title(&title, document);
    page->failed |= title.failed;
    char *json = dump(document, JSON_COMPACT | JSON_ENSURE_ASCII, error);
    for (const char *piece = duet_page_html; json != NULL && *piece != '\0';) {
        size_t length = strcspn(piece, "@");
        duet_text_add(page, "%.*s", (int)length, piece);
        piece += length;
        if (strncmp(piece, "@TITLE@", 7) == 0)
            duet_text_add(page, "%s", duet_text_get(&title));
        else if (strncmp(piece, "@STYLE@", 7) == 0)
            duet_text_add(page, "%s", duet_page_css);
        else if (strncmp(piece, "@SCRIPT@", 8) == 0)
            duet_text_add(page, "%s", duet_page_js);
        else if (strncmp(piece, "@DATA@", 6) == 0)
            add_json(page, json);
        if (*piece != '\0') piece = strchr(piece + 1, '@') + 1;
    }
    duet_text_free(&title);
    free(json);
    return error != NULL ? error->status : DUET_OK;
}

duet_status duet_page_write(const char *path, const char *const *runs, size_t count, duet_error *error)
{
    duet_error own = {0};
    duet_text page = {0};
    json_t *document = compose(runs, count, true, &own);
    if (document != NULL) fill_template(&page, document, &own);
    if (own.status == DUET_OK && page.failed) duet_fail(&own, DUET_ERROR_MEMORY, "out of memory for a page");
    if (own.status == DUET_OK) (void)duet_file_replace(path, page.data, page.length, &own);
    duet_text_free(&page);
    return own.status == DUET_OK ? DUET_OK : duet_fail(error, own.status, "%s", own.message);
}

duet_status duet_page_check(const char *run, const char *path, duet_error *error)
{
    const duet_page_wish wish = {.alone = true};
    duet_error own = {0};
    duet_file file = {0};
    json_t *collected = duet_page_collect(run, &wish, &own);
    json_decref(collected);
    if (own.status == DUET_OK && path != NULL) (void)duet_file_create(&file, path, &own);
    duet_file_discard(&file);
    return own.status == DUET_OK ? DUET_OK : duet_fail(error, own.status, "%s", own.message);
}
