/* SPDX-License-Identifier: MIT */
/* Paths of runs, and what lies there: looked at without a device, so that what was kept of a run can be known to be
 * still of it. */
#include "run/place.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "duet/run.h"
#include "run/checkpoint.h"
#include "run/run_file.h"
#include "run/run_folder.h"
#include "run/safetensors.h"

duet_status duet_run_place_find(duet_run_place *found, const char *path, duet_error *error)
{
    static const char ending[] = ".safetensors";
    size_t length = strlen(path), end = sizeof ending - 1;
    *found = (duet_run_place){strdup(path), "checkpoint.safetensors"};
    if (found->directory == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
    if (length <= end || strcmp(path + length - end, ending) != 0) return DUET_OK;
    const char *slash = strrchr(path, '/');
    found->checkpoint = slash == NULL ? path : slash + 1;
    if (slash == NULL) snprintf(found->directory, length, ".");
    if (slash != NULL) found->directory[slash == path ? 1 : slash - path] = '\0';
    return DUET_OK;
}

duet_status duet_run_place_check(const duet_run_place *place, duet_error *error)
{
    if (duet_run_folder_holds(place->directory, place->checkpoint)) return DUET_OK;
    if (strcmp(place->checkpoint, "checkpoint.safetensors") != 0)
        return duet_fail(
            error, DUET_ERROR_FILE,
            "there is no checkpoint: %s/%s (a training with --keep-best METRIC writes best.safetensors; %s "
            "alone takes the newest one)",
            place->directory, place->checkpoint, place->directory);
    return duet_fail(error, DUET_ERROR_FILE,
                     "there is no checkpoint: %s/%s (a training writes one at its first epoch's end; 'duet train "
                     "--resume %s' goes on with the run, or says why that cannot be)",
                     place->directory, place->checkpoint, DUET_WORD("%s", place->directory));
}

/* Its facts, once every byte of it has been checked, and that it is of the run that run.json describes. */
static duet_status read_facts(const char *path, const duet_checkpoint_record *run, const json_t *document,
                              duet_checkpoint_facts *facts, duet_error *error)
{
    duet_safetensors *file = NULL;
    DUET_TRY(duet_safetensors_open(&file, path, error));
    const char *step = duet_safetensors_metadata(file, "duet.step"),
               *sum = duet_safetensors_metadata(file, "duet.crc32"),
               *data = duet_safetensors_metadata(file, "duet.data_checksum");
    duet_status status = DUET_OK;
    if (step == NULL || sum == NULL) {
        status = duet_fail(error, DUET_ERROR_DATA, "%s is no checkpoint of Duet's", path);
    } else {
        facts->step = strtoull(step, NULL, 10);
        snprintf(facts->checksum, sizeof facts->checksum, "%s", sum);
        status = duet_checkpoint_check_record(file, path, run, error);
        if (status == DUET_OK) status = duet_checkpoint_check_data(path, data != NULL ? data : "", document, error);
    }
    duet_safetensors_close(&file);
    return status;
}

duet_status duet_checkpoint_check(const char *run, duet_checkpoint_facts *facts, duet_error *error)
{
    duet_run_place place;
    duet_run_file file = {NULL};
    duet_status status = duet_run_place_find(&place, run, error);
    char *path = status == DUET_OK ? duet_path_join(place.directory, place.checkpoint) : NULL;
    char *run_file = status == DUET_OK ? duet_path_join(place.directory, "run.json") : NULL;
    if (status == DUET_OK && (path == NULL || run_file == NULL))
        status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
    else if (status == DUET_OK && access(run_file, R_OK) != 0)
        status = duet_fail(error, DUET_ERROR_FILE, "%s is no run's directory, or one that cannot be read: %s: %s", run,
                           run_file, strerror(errno));
    if (status == DUET_OK) status = duet_run_place_check(&place, error);
    if (status == DUET_OK) status = duet_run_file_read(&file, place.directory, error);
    if (status == DUET_OK) {
        const duet_checkpoint_record record = {file.choice.model, json_object_get(file.document, "settings"),
                                               file.choice.batch, file.choice.seed,
                                               json_object_get(file.document, "data")};
        status = read_facts(path, &record, file.document, facts, error);
    }
    duet_run_file_free(&file);
    free(run_file);
    free(path);
    free(place.directory);
    return status;
}

duet_status duet_run_data_checksum(const char *run, const char *name, char checksum[32], duet_error *error)
{
    duet_run_place place;
    duet_run_file file;
    duet_data *data = NULL;
    duet_status status = duet_run_place_find(&place, run, error);
    if (status == DUET_OK) status = duet_run_file_read(&file, place.directory, error);
    if (status == DUET_OK) {
        status = duet_data_record_open(&file.data, place.directory, name, &data, error);
        if (status == DUET_OK) status = duet_data_checksum(data, error);
        /* of one file the last tenth and a tenth by chance are other examples */
        if (status == DUET_OK)
            snprintf(checksum, 32, "%s%s", duet_data_describe(data)->checksum,
                     duet_data_describe(data)->division == DUET_DIVISION_LAST ? "-last" : "");
        duet_data_close(&data);
        duet_run_file_free(&file);
    }
    free(place.directory);
    return status;
}
