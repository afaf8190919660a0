/* SPDX-License-Identifier: MIT */
/* What is dealt out to ranks, as ops and the layers above see it. */
#ifndef DUET_SRC_OP_DEAL_H
#define DUET_SRC_OP_DEAL_H

#include "graph/deal.h"

/** Of matrix products, masked or not: rows of the batch are rows of C, its columns, or terms of its sums. */
duet_dealing duet_deal_product(duet_node node, duet_deal *deal);

/** The sum and the mean over these axes, which stay with extent 1, of the rows that this rank has. Where no rows are
 *  dealt out along them, duet_sum and duet_mean. */
duet_node duet_rank_sum(const char *where, duet_node x, unsigned axes);
duet_node duet_rank_mean(const char *where, duet_node x, unsigned axes);
/** duet_standardise, by those means. */
duet_node duet_rank_standardise(const char *where, duet_node x, unsigned axes, double epsilon);

/** A node whose sum over ranks is `node`: what an all-reduce was made of, through ops that are linear in it; where
 *  there is none, `node` on rank 0 and zeros elsewhere. For sums that are taken together. */
duet_node duet_rank_share(const char *where, duet_node node);

#endif
