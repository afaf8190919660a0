/* SPDX-License-Identifier: MIT */
/* The ring and the swiss roll, after figure 4 of Makhzani et al. 2015 (arXiv:1511.05644). */
#include "model/families/figure.h"

#include <math.h>

enum { ROLL = 200, TURNS = 2 };

static void place(duet_figure *figure, size_t i, double radius, double angle)
{
    figure->centres[i][0] = (float)(radius * cos(angle));
    figure->centres[i][1] = (float)(radius * sin(angle));
}

void duet_figure_ring(duet_figure *figure, size_t parts, double radius)
{
    figure->parts = parts;
    figure->pieces = 1;
    figure->deviation = radius / 10;
    for (size_t i = 0; i < parts; i++) place(figure, i, radius, 2 * acos(-1) * (double)i / (double)parts);
}

/* So many normals that they show no gaps. The length of a spiral grows with the square of its radius. */
void duet_figure_roll(duet_figure *figure, size_t parts, double radius)
{
    figure->parts = parts;
    figure->pieces = (ROLL + parts - 1) / parts;
    figure->deviation = radius / 40;
    size_t count = parts * figure->pieces;
    for (size_t i = 0; i < count; i++) {
        double share = sqrt(((double)i + 0.5) / (double)count);
        place(figure, i, radius * share, TURNS * 2 * acos(-1) * share);
    }
}

duet_prior duet_figure_prior(const duet_figure *figure)
{
    return duet_prior_mixture(2, figure->parts * figure->pieces, figure->centres[0], figure->deviation);
}

/* One of the part's pieces, and noise around it. */
duet_node duet_figure_draw(duet_model *m, const duet_figure *figure)
{
    duet_graph *graph = duet_model_graph(m);
    duet_node labels = duet_model_labels(m);
    size_t rows = duet_model_batch_size(m), parts = figure->parts, pieces = figure->pieces;
    duet_node piece = duet_categorical(duet_broadcast(duet_constant(graph, 0), DUET_SHAPE(rows, pieces)));
    duet_node both = duet_multiply(duet_reshape(labels, DUET_SHAPE(rows, parts, 1)),
                                   duet_reshape(piece, DUET_SHAPE(rows, 1, pieces)));
    duet_node centres = duet_constant_values(graph, DUET_SHAPE(parts * pieces, 2), figure->centres[0]);
    duet_node centre = duet_matmul(duet_reshape(both, DUET_SHAPE(rows, parts * pieces)), centres, false, false);
    return duet_add(centre, duet_scale(duet_normal(graph, DUET_SHAPE(rows, 2)), figure->deviation));
}
