/* SPDX-License-Identifier: MIT */
/* A ring of slots, each with a piece of pinned memory on the host and a place in a table on the device. Draw number d
 * goes through slot d mod SLOTS: the thread reads its rows into the memory, and the one that trains has it sent. */
#include "data/feed.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/size.h"
#include "device/upload.h"
#include "duet/op.h"
#include "graph/deal.h"
#include "graph/variable.h"
#include "op/random.h"

/* The thread may be READ_AHEAD draws ahead of the one in turn. The memory of the slots that are left is being copied.
 */
enum { SLOTS = 4, READ_AHEAD = 2 };

struct duet_feed {
    duet_rows rows; /* the feed's own reader */
    size_t first;   /* where the split begins in it */
    const uint8_t *classes;
    size_t class_count; /* 0: there are no labels */
    size_t row_bytes, slot_bytes;
    size_t batch, from; /* rows of a batch that are read, and their first: of several ranks this one's */
    duet_row_order order;
    duet_store *store; /* of the two tables, [SLOTS * batch, ...] */
    duet_variable *examples, *labels;
    duet_upload *upload; /* NULL: not begun */
    bool runs, given;    /* there is a thread; the draw in turn was sent */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint64_t turn; /* the draw in turn; this and all below are guarded by the mutex */
    uint64_t read; /* the draws before it have been read */
    bool stopped, failed;
    duet_status status; /* why draw `read` cannot be */
    duet_error error;
};

/* The thread. */

static uint32_t row_drawn(const duet_feed *feed, uint32_t draw, size_t i)
{
    return duet_row_drawn(&feed->order, draw, (uint32_t)(feed->from + i));
}

/* Neighbours are read together. */
static duet_status read_examples(duet_feed *feed, uint32_t draw, unsigned char *to, duet_error *error)
{
    const size_t batch = feed->batch;
    uint32_t row = row_drawn(feed, draw, 0), next = 0;
    for (size_t i = 0, length; i < batch; i += length, row = next) {
        for (length = 1; i + length < batch; length++) {
            next = row_drawn(feed, draw, i + length);
            if (next != row + length) break;
        }
        DUET_TRY(duet_rows_read(&feed->rows, feed->first + row, length, to, error));
        to += length * feed->row_bytes;
    }
    return DUET_OK;
}

/* As one-hot rows of bytes. */
static void write_labels(const duet_feed *feed, uint32_t draw, unsigned char *to)
{
    const size_t batch = feed->batch;
    memset(to, 0, batch * feed->class_count);
    for (size_t i = 0; i < batch && feed->class_count > 0; i++)
        to[i * feed->class_count + feed->classes[row_drawn(feed, draw, i)]] = 1;
}

/* Waits until the slot of that draw is free; false: the feed ends. */
static bool wait_for_room(duet_feed *feed, uint64_t draw)
{
    pthread_mutex_lock(&feed->mutex);
    while (!feed->stopped && draw > feed->turn + READ_AHEAD) pthread_cond_wait(&feed->changed, &feed->mutex);
    bool wanted = !feed->stopped;
    pthread_mutex_unlock(&feed->mutex);
    return wanted;
}

static void publish(duet_feed *feed, duet_status status, const duet_error *error)
{
    pthread_mutex_lock(&feed->mutex);
    feed->read += status == DUET_OK;
    feed->failed = status != DUET_OK;
    feed->status = status;
    feed->error = *error;
    pthread_cond_signal(&feed->changed);
    pthread_mutex_unlock(&feed->mutex);
}

static void *run(void *argument)
{
    duet_feed *feed = argument;
    duet_error error = {0};
    duet_status status = DUET_OK;
    for (uint64_t draw = feed->turn; status == DUET_OK && wait_for_room(feed, draw); draw++) {
        unsigned char *to = duet_upload_memory(feed->upload, draw % SLOTS);
        status = read_examples(feed, (uint32_t)draw, to, &error);
        write_labels(feed, (uint32_t)draw, to + feed->batch * feed->row_bytes);
        publish(feed, status, &error);
    }
    return NULL;
}

/* The one that trains. */

void duet_feed_stop(duet_feed *feed)
{
    if (feed == NULL || !feed->runs) return;
    feed->runs = false;
    pthread_mutex_lock(&feed->mutex);
    feed->stopped = true;
    pthread_cond_signal(&feed->changed);
    pthread_mutex_unlock(&feed->mutex);
    (void)pthread_join(feed->thread, NULL);
}

duet_status duet_feed_begin(duet_feed *feed, duet_device *device, uint32_t draw, duet_error *error)
{
    duet_feed_stop(feed);
    duet_upload_free(&feed->upload); /* waits for what is on its way from memory that is written next */
    DUET_TRY(duet_upload_new(&feed->upload, device, SLOTS, feed->slot_bytes, error));
    feed->turn = feed->read = draw;
    feed->given = feed->stopped = feed->failed = false;
    feed->runs = pthread_create(&feed->thread, NULL, run, feed) == 0;
    if (feed->runs) return DUET_OK;
    return duet_fail(error, DUET_ERROR_MEMORY, "%s: no thread can be made to read it", feed->rows.path);
}

bool duet_feed_has_begun(const duet_feed *feed)
{
    return feed->runs;
}

static bool are_there(const duet_feed *feed, uint64_t draws)
{
    return feed->read >= feed->turn + (draws < READ_AHEAD + 1 ? draws : READ_AHEAD + 1);
}

static bool is_ready(const duet_feed *feed, uint64_t draws)
{
    return feed->failed || are_there(feed, draws);
}

bool duet_feed_wait(duet_feed *feed, uint64_t draws, double seconds)
{
    struct timespec until;
    if (clock_gettime(CLOCK_REALTIME, &until) != 0) return true; /* duet_feed_give waits as long as it takes */
    const double end = (double)until.tv_nsec * 1e-9 + seconds;
    until.tv_sec += (time_t)end;
    until.tv_nsec = (long)((end - (double)(time_t)end) * 1e9);
    pthread_mutex_lock(&feed->mutex);
    while (!is_ready(feed, draws))
        if (pthread_cond_timedwait(&feed->changed, &feed->mutex, &until) == ETIMEDOUT) break;
    bool ready = is_ready(feed, draws);
    pthread_mutex_unlock(&feed->mutex);
    return ready;
}

/* What the plans read of a slot, which may be the examples or the labels alone. */
static duet_status send(duet_feed *feed, size_t slot, duet_error *error)
{
    const size_t batch = feed->batch;
    const duet_variable *const tables[] = {feed->examples, feed->labels};
    const size_t bytes[] = {batch * feed->row_bytes, batch * feed->class_count};
    duet_upload_part parts[2];
    size_t count = 0;
    for (size_t i = 0, from = 0; i < 2; from += bytes[i++])
        if (tables[i] != NULL && tables[i]->storage->buffer != NULL)
            parts[count++] = (duet_upload_part){tables[i]->storage->buffer, from, slot * bytes[i], bytes[i]};
    return count == 0 ? DUET_OK : duet_upload_send(feed->upload, slot, parts, count, error);
}

duet_status duet_feed_expect(duet_feed *feed, uint64_t draws, duet_error *error)
{
    pthread_mutex_lock(&feed->mutex);
    while (!is_ready(feed, draws)) pthread_cond_wait(&feed->changed, &feed->mutex);
    bool there = are_there(feed, draws);
    pthread_mutex_unlock(&feed->mutex);
    return there ? DUET_OK : duet_fail(error, feed->status, "%s", feed->error.message);
}

duet_status duet_feed_give(duet_feed *feed, duet_error *error)
{
    if (feed->given) return DUET_OK;
    DUET_TRY(duet_feed_expect(feed, 1, error));
    DUET_TRY(send(feed, feed->turn % SLOTS, error));
    feed->given = true;
    return DUET_OK;
}

/* Once the turn is the next draw's, the thread may go on to the draw that lies READ_AHEAD behind that. */
duet_status duet_feed_pass(duet_feed *feed, duet_error *error)
{
    DUET_TRY(duet_upload_used(feed->upload, feed->turn % SLOTS, error));
    DUET_TRY(duet_upload_wait(feed->upload, (feed->turn + 1 + READ_AHEAD) % SLOTS, error));
    feed->given = false;
    pthread_mutex_lock(&feed->mutex);
    feed->turn++;
    pthread_cond_signal(&feed->changed);
    pthread_mutex_unlock(&feed->mutex);
    return DUET_OK;
}

/* Making one. */

static duet_status open_rows(duet_feed *feed, duet_data_part *part, duet_error *error)
{
    duet_ahead_end(&part->ahead); /* it would read what the feed reads */
    DUET_TRY(duet_rows_share(&feed->rows, &part->rows, error));
    feed->first = part->first;
    feed->row_bytes = duet_rows_row_bytes(&feed->rows);
    return DUET_OK;
}

/* Kernels index the tables by 32 bits. */
static duet_status check_size(duet_feed *feed, const duet_data *data, duet_error *error)
{
    const size_t batch = feed->batch, elements = feed->rows.row_elements;
    const size_t wider = elements > data->info.classes ? elements : data->info.classes;
    size_t numbers, row_bytes;
    bool fits = duet_size_multiply(SLOTS, batch, &numbers) && duet_size_multiply(numbers, wider, &numbers) &&
                numbers <= UINT32_MAX && duet_size_add(feed->row_bytes, data->info.classes, &row_bytes) &&
                duet_size_multiply(batch, row_bytes, &feed->slot_bytes);
    if (fits) return DUET_OK;
    return duet_fail(error, DUET_ERROR_MEMORY,
                     "%s: %d batches of %zu examples of %zu numbers, which streaming keeps, are more than 2^32: use a "
                     "smaller batch",
                     data->name, SLOTS, batch, elements);
}

static duet_status make_tables(duet_feed *feed, const duet_data *data, duet_error *error)
{
    const duet_data_info *info = &data->info;
    const size_t rows = SLOTS * feed->batch;
    feed->examples = duet_data_table(&feed->store, "training examples", info->type, rows, info->shape, error);
    if (feed->examples == NULL) return error->status;
    feed->classes = data->parts[DUET_TRAIN].labels;
    if (feed->classes == NULL) return DUET_OK;
    feed->class_count = info->classes;
    feed->labels = duet_data_table(&feed->store, "training labels", DUET_UINT8, rows, DUET_SHAPE(info->classes), error);
    return feed->labels == NULL ? error->status : DUET_OK;
}

static duet_status make(duet_feed **made, duet_data *data, const duet_row_order *order, size_t batch, size_t from,
                        duet_error *error)
{
    duet_data_part *part = &data->parts[DUET_TRAIN];
    if (order->n > UINT32_MAX)
        return duet_fail(error, DUET_ERROR_DATA, "%s: %zu training examples; less than 2^32 are possible", data->name,
                         order->n);
    duet_feed *feed = *made = calloc(1, sizeof *feed);
    if (feed == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", data->name);
    pthread_mutex_init(&feed->mutex, NULL);
    pthread_cond_init(&feed->changed, NULL);
    feed->order = *order;
    feed->batch = batch;
    feed->from = from;
    DUET_TRY(open_rows(feed, part, error));
    DUET_TRY(check_size(feed, data, error));
    return make_tables(feed, data, error);
}

void duet_feed_free(duet_feed **feed)
{
    duet_feed *old = *feed;
    if (old == NULL) return;
    *feed = NULL;
    duet_feed_stop(old);
    duet_upload_free(&old->upload);
    duet_store_free(&old->store);
    duet_rows_close(&old->rows);
    pthread_cond_destroy(&old->changed);
    pthread_mutex_destroy(&old->mutex);
    free(old);
}

duet_node duet_feed_batch(duet_feed **feed, duet_data *data, duet_graph *graph, size_t batch, duet_node draws,
                          bool shuffled, duet_node *labels)
{
    duet_error error = {0};
    const duet_dealer *dealer = duet_graph_dealer(graph);
    duet_row_order order = {.seed = duet_store_seed(duet_graph_working_store(graph)),
                            .count = dealer == NULL ? batch : dealer->all,
                            .n = data->parts[DUET_TRAIN].count,
                            .shuffled = shuffled};
    *feed = NULL;
    *labels = NULL;
    if (make(feed, data, &order, batch, dealer == NULL ? 0 : dealer->first, &error) != DUET_OK) {
        duet_feed_free(feed);
        duet_graph_refuse(graph, error.status, "%s", error.message);
        return duet_constant(graph, 0);
    }
    duet_node places = duet_in_ring(draws, batch, SLOTS, shuffled, &(*feed)->order.stream);
    return duet_data_gather(graph, (*feed)->examples, (*feed)->labels, places, labels);
}
