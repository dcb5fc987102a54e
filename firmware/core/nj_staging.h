/* What has been loaded: where each thing goes in the staging area, and whether it is whole.
 *
 * The chunk and the inputs share the area, so that loading one forgets the other.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_STAGING_H
#define NJ_STAGING_H

#include <stdbool.h>
#include <stdint.h>

#include "nj_model.h"
#include "nj_status.h"

/* A stream keeps its samples here as well, so that loading a chunk or an input ends it, and it forgets them. */
enum nj_target { NJ_TARGET_CHUNK = 0, NJ_TARGET_INPUT = 1, NJ_TARGET_STREAM = 2, NJ_TARGET_BLOCK = 3 };

/* Where the chunk (index 0) or model input `index` is staged. NJ_BAD_ARGUMENT when there is none or it does not fit. */
enum nj_status nj_staging_place(uint32_t target, uint32_t index, struct nj_place *place);

/* Nothing is loaded. */
void nj_staging_forget(void);

/* A load of a place that exists begins, and is whole. In between, the model cannot run. */
void nj_staging_begin(uint32_t target, uint32_t index);
void nj_staging_end(uint32_t target, uint32_t index);

bool nj_staging_has_chunk(void);
bool nj_staging_has_inputs(void); /* all of them */

/* Copy every staged input to its place in the model. */
void nj_staging_copy_inputs(void);

#endif
