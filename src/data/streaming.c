/* SPDX-License-Identifier: MIT */
/* Which training examples are streamed: those of which that is asked, and those that do not fit on the device. */
#include "base/size.h"
#include "base/text.h"
#include "data/feed.h"
#include "device/device.h"

/* Of the device's memory: the rest is for parameters, moments and what a plan computes. */
static const double most_of_memory = 0.75;

void duet_data_set_streaming(duet_data *data, bool streaming)
{
    data->streaming = streaming;
}

/* Whether a table of `rows` rows is one that a device can hold and a kernel can index; adds its bytes. */
static bool table_fits(const duet_device_info *device, size_t rows, size_t elements, size_t size, double *bytes)
{
    size_t all, of_bytes;
    *bytes += (double)rows * (double)elements * (double)size;
    return duet_size_multiply(rows, elements, &all) && all <= UINT32_MAX && duet_size_multiply(all, size, &of_bytes) &&
           of_bytes <= device->allocation_bytes;
}

static bool split_fits(const duet_data *data, const duet_device_info *device, double *bytes)
{
    const duet_data_part *part = &data->parts[DUET_TRAIN];
    bool fits = table_fits(device, part->count, part->rows.row_elements, data->info.type == DUET_UINT8 ? 1 : 4, bytes);
    if (part->labels != NULL) fits &= table_fits(device, part->count, data->info.classes, 1, bytes);
    return fits && *bytes <= most_of_memory * (double)device->memory_bytes;
}

duet_status duet_data_streams(duet_data *data, duet_device *device, bool *streams, duet_error *error)
{
    const duet_device_info *about = duet_device_describe(device);
    double bytes = 0;
    *streams = false;
    DUET_TRY(duet_data_ready(data, error));
    if (data->generated != NULL) {
        if (data->streaming)
            duet_device_say(device, "note: %s is generated on the device, where there is nothing to stream",
                            data->name);
        return DUET_OK;
    }
    bool fits = split_fits(data, about, &bytes);
    if (fits && !data->streaming) return DUET_OK;
    const char *why = fits ? "" : " that do not fit on ", *what = fits ? "" : about->name;
    if (!duet_rows_leap(&data->parts[DUET_TRAIN].rows))
        return duet_fail(
            error, DUET_ERROR_DATA,
            "%s: %.0f MB of training examples%s%s cannot be streamed from a compressed file or an archive, "
            "where a row costs reading all that lies before it; 'duet data %s --convert FILE.npz' writes "
            "them as a file that can",
            data->name, bytes / 1e6, why, what, DUET_WORD("%s", data->name));
    *streams = true;
    if (!fits)
        duet_device_say(device,
                        "%s: %.0f MB of training examples do not fit on %s, which has %.0f MB and gives %.0f at once: "
                        "they are streamed, read while it works",
                        data->name, bytes / 1e6, about->name, (double)about->memory_bytes / 1e6,
                        (double)about->allocation_bytes / 1e6);
    return DUET_OK;
}
