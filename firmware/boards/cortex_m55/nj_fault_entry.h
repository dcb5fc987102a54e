/* Where every exception of this board leads.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_FAULT_ENTRY_H
#define NJ_FAULT_ENTRY_H

/* Collect the fault's registers, then go on in thread mode, on a fresh stack, in nj_main_fault. */
void nj_fault_entry(void);

#endif
