/* SPDX-License-Identifier: MIT */
/* Training examples that do not lie on the device: a thread reads the rows of the coming batches, in the order that the
 * device would draw them in, and they travel while it works on the batches before. */
#ifndef DUET_SRC_DATA_FEED_H
#define DUET_SRC_DATA_FEED_H

#include "data/data.h"

typedef struct duet_feed duet_feed;

/** Whether a trainer on that device is to stream the training examples: that was asked for, or they do not fit on it,
 *  which is said on its log. Errors: DUET_ERROR_DATA where they cannot be read row by row. */
duet_status duet_data_streams(duet_data *data, duet_device *device, bool *streams, duet_error *error);

/** As duet_data_labelled_batch of the training split, whose bits it gives, but of a ring of a few batches that the feed
 *  fills. *feed: NULL after a mistake, which the graph has, and else freed once no plan of the graph is left. The data
 *  must outlive it. */
duet_node duet_feed_batch(duet_feed **feed, duet_data *data, duet_graph *graph, size_t batch, duet_node draws,
                          bool shuffled, duet_node *labels);
/** Ends the thread, which reads one row more at most, and sets *feed to NULL, which it may be already. */
void duet_feed_free(duet_feed **feed);

/** Begins to read from draw number `draw` on; a feed that has begun begins anew. A plan that reads the batch must have
 *  been made on `device`. */
duet_status duet_feed_begin(duet_feed *feed, duet_device *device, uint32_t draw, duet_error *error);
/** Ends the thread: the feed has not begun. NULL is fine. */
void duet_feed_stop(duet_feed *feed);
bool duet_feed_has_begun(const duet_feed *feed);
/** Waits until `draws` batches from the one in turn on have been read, as far as the thread reads ahead, or one of them
 *  can never be: true; or so long: false. */
bool duet_feed_wait(duet_feed *feed, uint64_t draws, double seconds);
/** The same for as long as it takes. Errors: those of reading one of them. */
duet_status duet_feed_expect(duet_feed *feed, uint64_t draws, duet_error *error);
/** Has the batch in turn sent to the device, before what is enqueued from now on, unless it was already; waits until it
 *  has been read. Errors: those of reading. */
duet_status duet_feed_give(duet_feed *feed, duet_error *error);
/** All that reads the batch in turn is enqueued: on to the next one. */
duet_status duet_feed_pass(duet_feed *feed, duet_error *error);

#endif
