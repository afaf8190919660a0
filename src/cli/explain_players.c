/* SPDX-License-Identifier: MIT */
/* The players for Graphviz: networks as boxes, phases as ellipses; a phase's bold arrow goes to what it updates, a
 * dashed one comes from what it reads and leaves alone. */
#include "cli/explain.h"
#include "cli/output.h"

#include <string.h>

/* Whether an earlier phase has drawn the group's box. */
static bool is_drawn(const cli_step *step, size_t phase, const char *group)
{
    for (size_t i = 0; i < phase; i++) {
        for (size_t u = 0; u < step->phases[i].update_count; u++)
            if (strcmp(step->phases[i].updates[u].group, group) == 0) return true;
        for (size_t r = 0; r < step->phases[i].rest_count; r++)
            if (strcmp(step->phases[i].rests[r], group) == 0) return true;
    }
    return false;
}

static void print_phase(const cli_step *step, size_t index)
{
    const duet_explained_phase *phase = &step->phases[index];
    printf("  phase%zu [shape=ellipse, label=\"%zu. %s", index, index + 1, phase->name);
    if (phase->repeats != 1) printf("\\n%zu times a step", phase->repeats);
    if (phase->every > 1) printf("\\nevery %zu steps", phase->every);
    printf("\"];\n");
    if (phase->draws) printf("  data -> phase%zu;\n", index);
    for (size_t i = 0; i < phase->update_count; i++) {
        const duet_explained_update *update = &phase->updates[i];
        if (!is_drawn(step, index, update->group))
            printf("  \"%s\" [label=\"%s\\n%zu parameters\"];\n", update->group, update->group, update->parameters);
        printf("  phase%zu -> \"%s\" [style=bold, label=\"updates%s\"];\n", index, update->group,
               update->gated ? ", gated" : "");
    }
    for (size_t i = 0; i < phase->rest_count; i++)
        printf("  \"%s\" -> phase%zu [style=dashed, label=\"left alone\"];\n", phase->rests[i], index);
    if (index > 0) printf("  phase%zu -> phase%zu [style=dotted, arrowhead=open, label=\"then\"];\n", index - 1, index);
}

int cli_explain_players(const cli_step *step)
{
    printf("digraph players {\n  label=\"%s\";\n  node [shape=box, fontname=\"sans-serif\"];\n"
           "  edge [fontname=\"sans-serif\", fontsize=10];\n  data [shape=cylinder, label=\"batches of %zu\"];\n",
           duet_model_family(step->model)->name, step->batch);
    for (size_t i = 0; i < step->count; i++)
        if (!step->phases[i].only_counts) print_phase(step, i);
    printf("}\n");
    return CLI_DONE;
}
