/* Frames side by side, from samples to rows of magnitudes or powers.
 * SPDX-License-Identifier: MIT
 */
#include "nj_frontend_stages.h"

struct nj_scratch nj_scratch_parts(uint32_t fft_length, float *scratch)
{
    struct nj_scratch parts;

    parts.complex = scratch;
    parts.rows = parts.complex + NJ_LANES * fft_length;
    parts.edge = (int16_t *)(void *)(parts.rows + NJ_COLUMNS * (fft_length / 2u + 1u));
    return parts;
}

uint32_t nj_frontend_scratch(const struct nj_frontend *frontend)
{
    return NJ_FRONTEND_SCRATCH(frontend->fft_length, frontend->normalization);
}

static uint32_t place_of(const struct nj_view *view, int32_t place)
{
    const uint32_t at = view->start + (uint32_t)(place - view->first);

    return at < view->size ? at : at - view->size;
}

uint32_t nj_frontend_lanes(void)
{
    return NJ_LANES;
}

/* `length` samples from place `begin` on, 0 outside the view. */
static void copy_frame(const struct nj_view *view, int32_t begin, int32_t length, int16_t *frame)
{
    const int32_t end = begin + length;
    const int32_t from = begin > view->first ? begin : view->first;
    const int32_t until = end < view->end ? end : view->end;

    memset(frame, 0, (size_t)length * sizeof(*frame));
    if (from < until) {
        const uint32_t count = (uint32_t)(until - from);
        const uint32_t place = place_of(view, from);
        const uint32_t straight = count < view->size - place ? count : view->size - place;
        frame += from - begin;
        memcpy(frame, view->samples + place, straight * sizeof(*frame));
        memcpy(frame + straight, view->samples, (count - straight) * sizeof(*frame));
    }
}

/* Place of a lane's first sample in the chunk; lanes beyond the last frame repeat it. */
static inline int32_t begin_of(const struct nj_frontend *frontend, uint32_t frame, uint32_t last)
{
    return (int32_t)((frame < last ? frame : last) * frontend->hop) - (int32_t)(frontend->fft_length / 2u);
}

/* Where the lanes' frames begin; frames that reach beyond the view, or round the ring,
 * are copied, with zeros around. */
static const int16_t *place_frames(const struct nj_frontend *frontend, const struct nj_view *view, uint32_t frame,
                                   uint32_t last, int16_t *edge, uint32_t *places)
{
    const int32_t n = (int32_t)frontend->fft_length;
    int32_t begin[NJ_LANES];
    int inside = 1;

    for (uint32_t lane = 0; lane < NJ_LANES; lane++) {
        begin[lane] = begin_of(frontend, frame + lane, last);
        inside &= begin[lane] >= view->first && begin[lane] + n <= view->end;
    }
    const uint32_t place = inside != 0 ? place_of(view, begin[0]) : 0u;
    if (inside != 0 && place + (uint32_t)(begin[NJ_LANES - 1] - begin[0] + n) <= view->size) {
        for (uint32_t lane = 0; lane < NJ_LANES; lane++)
            places[lane] = (uint32_t)(begin[lane] - begin[0]);
        return view->samples + place;
    }
    for (uint32_t lane = 0; lane < NJ_LANES; lane++) {
        places[lane] = lane * frontend->fft_length;
        copy_frame(view, begin[lane], n, edge + places[lane]);
    }
    return edge;
}

/* The frames' samples that are inside the view. */
static struct nj_inside inside_of(const struct nj_frontend *frontend, const struct nj_view *view, uint32_t frame,
                                  uint32_t last)
{
    const int32_t n = (int32_t)frontend->fft_length;
    struct nj_inside inside;

    for (uint32_t lane = 0; lane < NJ_LANES; lane++) {
        const int32_t begin = begin_of(frontend, frame + lane, last);
        inside.from[lane] = view->first > begin ? view->first - begin : 0;
        inside.until[lane] = view->end - begin < n ? view->end - begin : n;
    }
    return inside;
}

void nj_frames(const struct nj_frontend *frontend, const struct nj_view *view, uint32_t frame, uint32_t last,
               const struct nj_scratch *scratch)
{
    uint32_t places[NJ_LANES];

    for (uint32_t column = 0; column < NJ_COLUMNS; column += NJ_LANES) {
        const int16_t *const samples =
            place_frames(frontend, view, frame + column, last, scratch->edge, places);
        if (frontend->remove_dc != 0u) {
            const struct nj_inside inside = inside_of(frontend, view, frame + column, last);
            nj_first_pass_without_mean(frontend, samples, places, &inside, scratch->complex);
        } else {
            nj_first_pass(frontend, samples, places, scratch->complex);
        }
        nj_fft(scratch->complex, frontend->fft_length / 2u, frontend->twiddle);
        nj_spectrum(frontend, scratch->complex, scratch->rows + column);
    }
}
