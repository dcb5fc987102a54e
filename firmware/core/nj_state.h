/* The model's state: what it keeps from one inference to the next.
 *
 * An input belongs to a state: that which the input before it left. However often the input is run, tapped, counted
 * step by step or read from, it begins there, and so gives the same. Only the next input takes the state on.
 * All of this does nothing for a model without state.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_STATE_H
#define NJ_STATE_H

/* The first values: the next input begins a sequence. */
void nj_state_clear(void);

/* Back to what the present input began with. */
void nj_state_restore(void);

/* The present input is done with: the next one begins with what it left. */
void nj_state_keep(void);

#endif
