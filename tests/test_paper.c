/* SPDX-License-Identifier: MIT */
/* Devices on paper: the table, what may be asked of them and what not, and presets that follow the family of GPU. No
 * driver is loaded. */
#include "device/device.h"
#include "device/launch.h"
#include "plan/lower.h"
#include "product/gemm.h"
#include "product/providers/tiles.h"
#include "test.h"

static duet_device *open_paper(const char *name)
{
    duet_device *device = NULL;
    duet_error error = {0};
    assert_status(duet_device_on_paper(&device, name, &error), DUET_OK, &error);
    assert_non_null(device);
    return device;
}

static void rows_are_whole(void **state)
{
    (void)state;
    const duet_paper_device *row;
    size_t count = 0;
    for (; (row = duet_paper_device_at(count)) != NULL; count++) {
        assert_true(row->name[0] != '\0' && row->title[0] != '\0' && row->vendor[0] != '\0');
        assert_true(row->compute_units > 0 && row->simds > 0 && row->waves > 0 && row->lanes > 0);
        assert_true(row->registers == 0 || row->register_step > 0);
        assert_true(row->local_bytes > 0 && row->unit_local_bytes > 0 && row->memory_bytes >= 1u << 30);
        assert_true(row->peak_gflops > 0 && row->bandwidth_gbs > 0 && row->launch_us > 0);
        duet_device *device = open_paper(row->name);
        const duet_device_info *info = duet_device_describe(device);
        assert_ptr_equal(duet_device_paper(device), row);
        assert_int_equal(info->kind, row->is_integrated ? DUET_DEVICE_INTEGRATED : DUET_DEVICE_GPU);
        assert_true(info->allocation_bytes > 0 && info->work_group_size >= 64);
        /* Multiply-adds of all lanes at the clock: nobody's peak is above, and none is far below. */
        const double most = 2e-3 * row->clock_mhz * row->compute_units * row->simds * row->lanes;
        if (row->target != NULL && strncmp(row->target, "gfx9", 4) != 0)
            assert_true(row->peak_gflops < 1.2 * most && row->peak_gflops > 0.4 * most);
        duet_device_close(&device);
    }
    assert_true(count >= 11);
}

static void a_target_is_a_name_too(void **state)
{
    (void)state;
    duet_device *device = open_paper("gfx1100");
    assert_string_equal(duet_device_paper(device)->name, "rx7900");
    duet_device_close(&device);
    duet_error error = {0};
    assert_int_equal(duet_device_on_paper(&device, "rx79000", &error), DUET_ERROR_USAGE);
    assert_null(device);
    assert_non_null(strstr(error.message, "rx7900 ")); /* the known ones are listed */
}

/* Programs and launches are made as anywhere; what would need a device says that there is none. */
static void programs_are_written_down(void **state)
{
    (void)state;
    static const char source[] = "kernel void twice(global float *x)\n{\n    x[0] *= 2;\n}\n";
    duet_device *device = open_paper("a100");
    duet_error error = {0};
    cl_program program = NULL;
    cl_mem buffer = NULL;
    duet_launch_list list = {0};
    float value = 0;
    assert_status(duet_program_build(device, "doubling", source, "-DA=1", &program, &error), DUET_OK, &error);
    assert_status(duet_buffer_new(device, 64, true, &buffer, &error), DUET_OK, &error);
    assert_non_null(buffer);
    const duet_argument arguments[] = {{sizeof buffer, &buffer}};
    duet_launch launch = {.dimensions = 1, .global = {1}, .local = {1}, .name = "doubling"};
    assert_status(duet_launch_append_kernel(&list, program, "twice", arguments, 1, &launch, &error), DUET_OK, &error);
    assert_string_equal(list.items[0].function, "twice");
    assert_int_equal(duet_launch_paper_program(&list.items[0]), 0);
    assert_string_equal(duet_device_paper_program(device, 0)->source, source);
    assert_string_equal(duet_device_paper_program(device, 0)->options, "-cl-std=CL1.2 -w -DA=1");
    assert_null(duet_device_paper_program(device, 1));
    assert_int_equal(duet_launch_replay(device, &list, NULL, &error), DUET_ERROR_NO_DEVICE);
    assert_non_null(strstr(error.message, "on paper"));
    assert_int_equal(duet_buffer_read(device, buffer, 0, &value, sizeof value, &error), DUET_ERROR_NO_DEVICE);
    assert_int_equal(duet_device_set_profiling(device, true, &error), DUET_ERROR_NO_DEVICE);
    error = (duet_error){0};
    assert_int_equal(duet_buffer_new(device, (size_t)1 << 50, true, &buffer, &error), DUET_ERROR_MEMORY);
    duet_launch_list_clear(&list);
    duet_program_free(&program);
    duet_buffer_free(&buffer);
    duet_device_close(&device);
}

/* ---- families ---- */

typedef struct family_case {
    const char *vendor, *name;
    duet_device_kind kind;
    duet_gpu_family family;
} family_case;

static const family_case families[] = {
    {"Advanced Micro Devices, Inc.", "gfx900:xnack-", DUET_DEVICE_GPU, DUET_GPU_GCN},
    {"Advanced Micro Devices, Inc.", "gfx908:sramecc+:xnack-", DUET_DEVICE_GPU, DUET_GPU_GCN},
    {"Advanced Micro Devices, Inc.", "gfx90a:sramecc+:xnack-", DUET_DEVICE_GPU, DUET_GPU_CDNA},
    {"Advanced Micro Devices, Inc.", "gfx942", DUET_DEVICE_GPU, DUET_GPU_CDNA},
    {"Advanced Micro Devices, Inc.", "gfx1030", DUET_DEVICE_GPU, DUET_GPU_RDNA},
    {"AMD", "AMD Radeon RX 7900 XTX (radeonsi, navi31, LLVM 15.0.7)", DUET_DEVICE_GPU, DUET_GPU_RDNA},
    {"AMD", "AMD Radeon RX Vega (radeonsi, vega10, LLVM 15.0.7)", DUET_DEVICE_GPU, DUET_GPU_GCN},
    {"NVIDIA Corporation", "NVIDIA H200", DUET_DEVICE_GPU, DUET_GPU_NVIDIA},
    {"Intel(R) Corporation", "Intel(R) Arc(TM) A770 Graphics", DUET_DEVICE_GPU, DUET_GPU_INTEL},
    {"Apple", "Apple M1", DUET_DEVICE_INTEGRATED, DUET_GPU_APPLE},
    {"Somebody", "Something", DUET_DEVICE_GPU, DUET_GPU_OTHER},
    {"Intel(R) Corporation", "Intel(R) Xeon(R)", DUET_DEVICE_CPU, DUET_GPU_NONE},
    {"AuthenticAMD", "AMD EPYC", DUET_DEVICE_CPU, DUET_GPU_NONE},
};

static void families_are_told_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        duet_device_info info = {.kind = families[i].kind};
        snprintf(info.vendor, sizeof info.vendor, "%s", families[i].vendor);
        snprintf(info.name, sizeof info.name, "%s", families[i].name);
        if (duet_device_family(&info) != families[i].family) fail_msg("%s: another family", families[i].name);
    }
}

static uint32_t sums_of(const duet_gemm_parameters *parameters)
{
    return parameters->value[DUET_ITEM_M] * parameters->value[DUET_ITEM_N];
}

/* A product that fills any GPU: the preset has as many sums as the family has registers for, and tuning tries more. */
static void presets_follow_the_family(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t sums;
    } rows[] = {{"vega64", 32}, {"mi250", 64}, {"rx7900", 64}, {"a100", 32}, {"a770", 32}, {"irisxe", 32}, {"m1", 32}};
    const duet_gemm_shape shape = {.m = 8192, .n = 8192, .k = 8192};
    const duet_gemm_provider *tile = duet_gemm_provider_find("tile");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_device *device = open_paper(rows[i].name);
        const duet_gemm_parameters preset = tile->preset(device, &shape);
        if (sums_of(&preset) != rows[i].sums) fail_msg("%s: %u sums", rows[i].name, (unsigned)sums_of(&preset));
        uint32_t most = 0;
        duet_gemm_parameters tried;
        for (size_t j = 0; tile->candidate(device, &shape, j, &tried); j++)
            if (sums_of(&tried) > most) most = sums_of(&tried);
        assert_int_equal(most, duet_device_paper(device)->is_integrated ? 32 : 64);
        duet_device_close(&device);
    }
}

/* A long sum to one number: as many pieces as each has elements, within a factor of two. */
static void long_sums_have_enough_pieces(void **state)
{
    (void)state;
    duet_device *device = open_paper("a100");
    assert_int_equal(duet_reduce_pieces(device, 1, 1000), 62);
    for (size_t length = 1 << 16; length < 1 << 26; length *= 4) {
        const double pieces = (double)duet_reduce_pieces(device, 1, length);
        assert_true(pieces * pieces >= (double)length && pieces * pieces <= 4.0 * (double)length);
    }
    duet_device_close(&device);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(a_target_is_a_name_too),
        cmocka_unit_test(programs_are_written_down),
        cmocka_unit_test(families_are_told_by_name),
        cmocka_unit_test(presets_follow_the_family),
        cmocka_unit_test(long_sums_have_enough_pieces),
    };
    return RUN_TESTS("paper", tests, NULL, NULL);
}
