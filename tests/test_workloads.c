/* The workloads of the benchmark: the table of them, and the models that only it has. */
#include "train_models.h"
#include "workshop.h"

#include "cli/workloads.h"
#include "model/model.h"

enum { FEATURES = 8 };

static const duet_family *family_of(const char *workload)
{
    const cli_workload *row = cli_workload_find(workload);
    assert_non_null(row);
    return cli_workload_family(row);
}

/* Outputs of a model for examples of `batch` rows. */
typedef struct use {
    duet_data *data;
    duet_model *model;
    duet_build *build;
} use;

static use use_open(const char *workload, const char *data, const char *setting, size_t batch)
{
    duet_error error = {0};
    use it = {0};
    assert_ok(duet_data_open(&it.data, data, &error), &error);
    assert_ok(duet_model_new(&it.model, family_of(workload), it.data, &setting, 1, 7, &error), &error);
    assert_ok(duet_model_build(it.model, DUET_BUILD_EVAL, batch, &it.build, &error), &error);
    return it;
}

static void use_close(use *it)
{
    duet_build_free(&it->build);
    duet_model_free(&it->model);
    duet_data_close(&it->data);
}

/* Row r + 1 of the batch is row 0 with all inputs from r on changed: outputs up to r must not notice, later ones must.
 */
static void outputs_of_made_see_earlier_inputs_only(void **state)
{
    (void)state;
    float x[FEATURES + 1][FEATURES], logits[FEATURES + 1][FEATURES];
    use it = use_open("made", in_folder("examples.npy"), "hidden=200", FEATURES + 1);
    for (size_t r = 0; r <= FEATURES; r++)
        for (size_t i = 0; i < FEATURES; i++) x[r][i] = (float)((i % 3 == 0) ^ (r > 0 && i + 1 >= r));
    const duet_node root = duet_build_output(it.build, "logits");
    const test_feed feed = {it.build->batch, x};
    test_compute(device, &root, 1, &feed, 1, (void *[]){logits});
    for (size_t r = 0; r < FEATURES; r++) {
        size_t changed = 0;
        for (size_t o = 0; o < FEATURES; o++) {
            if (o <= r && logits[r + 1][o] != logits[0][o]) fail_msg("output %zu sees input %zu or a later one", o, r);
            changed += o > r && logits[r + 1][o] != logits[0][o];
        }
        assert_true(changed > 0 || r + 1 == FEATURES);
    }
    use_close(&it);
}

/* Couplings keep volumes, so the Jacobian's determinant is that of the scale; the density follows from both. */
static void nice_scales_volumes_by_its_scale(void **state)
{
    (void)state;
    const float scale[2] = {0.3f, -0.2f}, step = 0.01f;
    const float x[3][2] = {{0.4f, -0.3f}, {0.4f + step, -0.3f}, {0.4f, -0.3f + step}};
    float h[3][2], nll[3];
    duet_error error = {0};
    duet_plan *plan = NULL;
    use it = use_open("nice", "ring8", "hidden=6,6", 3);
    const duet_node roots[] = {duet_build_output(it.build, "latent"), duet_build_output(it.build, "nll")};
    assert_ok(duet_plan_new(&plan, device, "nice", roots, 2, &error), &error);
    assert_ok(duet_store_write(duet_model_store(it.model), device, "scale.log", scale, sizeof scale, &error), &error);
    assert_ok(duet_plan_write(plan, it.build->batch, x, sizeof x, &error), &error);
    assert_ok(duet_plan_replay(plan, &error), &error);
    assert_ok(duet_plan_read(plan, roots[0], h, sizeof h, &error), &error);
    assert_ok(duet_plan_read(plan, roots[1], nll, sizeof nll, &error), &error);
    duet_plan_free(&plan);
    use_close(&it);

    double derivative[2][2], expected = -(double)scale[0] - (double)scale[1];
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 2; j++) derivative[i][j] = ((double)h[1 + j][i] - (double)h[0][i]) / (double)step;
    assert_close(derivative[0][0] * derivative[1][1] - derivative[0][1] * derivative[1][0],
                 exp((double)scale[0] + (double)scale[1]), 2e-3);
    assert_true(fabs(derivative[0][1]) > 1e-3 && fabs(derivative[1][0]) > 1e-3); /* each half moves the other */
    for (size_t i = 0; i < 2; i++) expected += log1p(exp((double)h[0][i])) + log1p(exp(-(double)h[0][i]));
    assert_close(nll[0], expected, 1e-5);
}

static void their_losses_fall(void **state)
{
    (void)state;
    static const char *const names[] = {"made", "nice"}, *const hidden[] = {"hidden=20", "hidden=16,16"};
    enum { STEPS = 20, BLOCKS = 10 };
    for (size_t i = 0; i < 2; i++) {
        test_parts parts;
        duet_error error = {0};
        double first = NAN, last = NAN;
        test_parts_open(&parts, device, family_of(names[i]), in_folder("examples.npy"), &hidden[i], 1);
        for (size_t block = 0; block < BLOCKS; block++) {
            test_steps(&parts, STEPS);
            assert_ok(duet_trainer_losses(parts.trainer, block == 0 ? &first : &last, 1, &error), &error);
        }
        test_parts_close(&parts);
        if (!(isfinite(last) && last < first)) fail_msg("%s: the loss went from %g to %g", names[i], first, last);
    }
}

static void the_table_of_workloads_is_sound(void **state)
{
    (void)state;
    const cli_workload *row;
    size_t count = 0;
    for (; (row = cli_workload_at(count)) != NULL; count++) {
        assert_ptr_equal(cli_workload_find(row->name), row);
        assert_non_null(cli_workload_family(row));
        assert_true(row->batch > 0 && row->summary[0] != '\0');
        assert_null(duet_family_find(row->name)); /* or `--workload` could mean either */
    }
    assert_true(count >= 4);
    assert_null(cli_workload_find("none"));
}

static int begin(void **state)
{
    (void)open_all(state);
    test_write_examples(in_folder("examples.npy"), DUET_SHAPE(FEATURES));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_of_made_see_earlier_inputs_only),
        cmocka_unit_test(nice_scales_volumes_by_its_scale),
        cmocka_unit_test(their_losses_fall),
        cmocka_unit_test(the_table_of_workloads_is_sound),
    };
    return RUN_TESTS("workloads", tests, begin, close_all);
}
