/* SPDX-License-Identifier: MIT */
/* JPEG through libjpeg: grey stays grey, all else becomes RGB, the inks of CMYK as (1 - ink) (1 - black). */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

#include "base/size.h"
#include "base/status.h"
#include "data/picture.h"

enum { EXIF_MARKER = JPEG_APP0 + 1, MOST_SCANS = 200 };

/* Everything that lives across libjpeg's long jumps. `errors` comes first, so that its address is the reading's. */
typedef struct reading {
    struct jpeg_error_mgr errors;
    struct jpeg_decompress_struct jpeg;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    uint8_t *line;
    duet_picture picture;
    bool short_of_memory;
    char words[JMSG_LENGTH_MAX];
} reading;

static void fail(j_common_ptr jpeg)
{
    reading *it = (reading *)jpeg->err;
    it->errors.format_message(jpeg, it->words);
    it->short_of_memory = jpeg->err->msg_code == JERR_OUT_OF_MEMORY;
    longjmp(it->failed, 1);
}

/* Of what libjpeg only warns, these mean that pixels are missing. */
static void judge(j_common_ptr jpeg, int level)
{
    int code = jpeg->err->msg_code;
    if (level < 0 &&
        (code == JWRN_HIT_MARKER || code == JWRN_JPEG_EOF || code == JWRN_HUFF_BAD_CODE || code == JWRN_MUST_RESYNC))
        fail(jpeg);
}

static unsigned orientation_of(const struct jpeg_decompress_struct *jpeg)
{
    static const unsigned char start[] = {'E', 'x', 'i', 'f', 0, 0};
    for (jpeg_saved_marker_ptr at = jpeg->marker_list; at != NULL; at = at->next)
        if (at->marker == EXIF_MARKER && at->data_length > sizeof start && memcmp(at->data, start, sizeof start) == 0)
            return duet_exif_orientation(at->data + sizeof start, at->data_length - sizeof start);
    return 1;
}

static void read_header(reading *it, const duet_picture_file *file, duet_picture_header *header)
{
    jpeg_create_decompress(&it->jpeg);
    jpeg_mem_src(&it->jpeg, file->bytes, (unsigned long)file->length);
    jpeg_save_markers(&it->jpeg, EXIF_MARKER, 0xFFFF);
    (void)jpeg_read_header(&it->jpeg, TRUE);
    it->picture.orientation = orientation_of(&it->jpeg);
    bool lies = it->picture.orientation >= 5;
    header->height = lies ? it->jpeg.image_width : it->jpeg.image_height;
    header->width = lies ? it->jpeg.image_height : it->jpeg.image_width;
    header->grey = it->jpeg.jpeg_color_space == JCS_GRAYSCALE;
    header->deep = false;
}

/* A line of four inks as RGB. Adobe's programs write them upside down, as those that write such files nearly all do. */
static void from_inks(const reading *it, uint8_t *to)
{
    bool upside_down = it->jpeg.saw_Adobe_marker;
    for (size_t x = 0; x < it->picture.width; x++) {
        unsigned rest[4];
        for (size_t k = 0; k < 4; k++) rest[k] = upside_down ? it->line[4 * x + k] : 255U - it->line[4 * x + k];
        for (size_t k = 0; k < 3; k++) *to++ = (uint8_t)((rest[k] * rest[3] + 127) / 255);
    }
}

/* A hostile file may ask for any number of passes over its pixels. */
static void count_scans(j_common_ptr jpeg)
{
    reading *it = (reading *)jpeg->err;
    if (it->jpeg.input_scan_number <= MOST_SCANS) return;
    (void)snprintf(it->words, sizeof it->words, "more than %d passes over its pixels", MOST_SCANS);
    longjmp(it->failed, 1);
}

static void read_pixels(reading *it, const duet_picture_file *file, duet_error *error)
{
    bool inks = it->jpeg.jpeg_color_space == JCS_CMYK || it->jpeg.jpeg_color_space == JCS_YCCK;
    bool grey = it->jpeg.jpeg_color_space == JCS_GRAYSCALE;
    it->progress.progress_monitor = count_scans;
    it->jpeg.progress = &it->progress;
    it->jpeg.out_color_space = inks ? JCS_CMYK : grey ? JCS_GRAYSCALE : JCS_RGB;
    if (duet_picture_new(&it->picture, file->name, it->jpeg.image_height, it->jpeg.image_width, grey ? 1 : 3, error) !=
        DUET_OK)
        longjmp(it->failed, 1);
    if (inks) it->line = malloc(it->picture.width * 4);
    if (inks && it->line == NULL) ERREXIT1(&it->jpeg, JERR_OUT_OF_MEMORY, 0);
    (void)jpeg_start_decompress(&it->jpeg);
    while (it->jpeg.output_scanline < it->jpeg.output_height) {
        uint8_t *to = it->picture.pixels + it->jpeg.output_scanline * it->picture.width * it->picture.channels;
        JSAMPROW line = inks ? it->line : to;
        (void)jpeg_read_scanlines(&it->jpeg, &line, 1);
        if (inks) from_inks(it, to);
    }
    (void)jpeg_finish_decompress(&it->jpeg);
}

/* False after a long jump: `error`, or else it->words, says why. */
static bool read_parts(reading *it, const duet_picture_file *file, duet_picture_header *header, bool pixels,
                       duet_error *error)
{
    if (setjmp(it->failed) != 0) return false;
    read_header(it, file, header);
    if (pixels) read_pixels(it, file, error);
    return true;
}

static duet_status read_jpeg(const duet_picture_file *file, duet_picture_header *header, duet_picture *picture,
                             duet_error *error)
{
    duet_error own = {0};
    reading *it = calloc(1, sizeof *it);
    if (it == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", file->name);
    it->jpeg.err = jpeg_std_error(&it->errors);
    it->errors.error_exit = fail;
    it->errors.emit_message = judge;
    if (!read_parts(it, file, header, picture != NULL, &own)) {
        if (it->short_of_memory) duet_fail(&own, DUET_ERROR_MEMORY, "%s: out of memory to read it", file->name);
        duet_fail(&own, DUET_ERROR_DATA, "%s: a damaged JPEG file: %s", file->name, it->words);
    }
    jpeg_destroy_decompress(&it->jpeg);
    if (own.status == DUET_OK && picture != NULL) {
        *picture = it->picture;
        it->picture.pixels = NULL;
    }
    free(it->picture.pixels);
    free(it->line);
    free(it);
    return own.status == DUET_OK ? DUET_OK : duet_fail(error, own.status, "%s", own.message);
}

const duet_picture_kind duet_picture_jpeg = {"JPEG", {0xFF, 0xD8, 0xFF}, 3, read_jpeg};
