/*
 * What masters other than the core reach: AXISRAM1 to 6 through RIF, as it is behind the core's data cache. They reach no TCM.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6.h"
#include "nj_layout.h"

#define ALL (NJ_AXISRAM6 + NJ_AXISRAM3_TO_6_EACH_BYTES - NJ_AXISRAM1)

bool n6_master_may_reach(uint32_t address, uint32_t size)
{
    uint32_t at = address | 0x10000000;

    return at >= NJ_AXISRAM1 && at - NJ_AXISRAM1 < ALL && size <= ALL - (at - NJ_AXISRAM1);
}

void n6_master_begin(N6 *chip)
{
    if (n6_data_cache()) { /* what was written before counts as memory: a debugger may have put it there */
        n6_overlay_begin(chip);
    }
}

/* Whether it sees the memory; where it does not, what it reads is zero and what it writes is lost. */
static bool sees(N6 *chip, const N6Master *master, uint32_t from, uint32_t size, bool writes)
{
    if (!master->trusted) {
        n6_note(chip, "%s: what it reads is zero and what it writes is lost: %s", master->name, master->untrusted);
        return false;
    }
    n6_update_memories(chip);
    return n6_rams_hide(chip, master->name, from, size) == 0 && n6_rif_hides(chip, master->name, from, size, writes) == 0;
}

bool n6_master_read(N6 *chip, const N6Master *master, uint32_t address, void *data, uint32_t size)
{
    uint32_t from = (address | 0x10000000) - NJ_AXISRAM1, first;

    if (!n6_master_may_reach(address, size)) {
        n6_note(chip, "%s: it reaches no memory at %08x: AXISRAM1 to 6, and no TCM", master->name, address);
        return false;
    }
    if (!sees(chip, master, from, size, false)) {
        memset(data, 0, size);
        return true;
    }
    n6_overlay_share(true);
    if (n6_overlay_differs(from, size, &first)) {
        n6_note(chip, "%s: it reads what memory holds, and not what the core has written from %08x on: the data cache was not "
                "written back (DCCMVAC)", master->name, first);
    }
    memcpy(data, n6_overlay_memory(chip) + from, size);
    return true;
}

bool n6_master_write(N6 *chip, const N6Master *master, uint32_t address, const void *data, uint32_t size)
{
    uint32_t from = (address | 0x10000000) - NJ_AXISRAM1;

    if (!n6_master_may_reach(address, size)) {
        n6_note(chip, "%s: it reaches no memory at %08x: AXISRAM1 to 6, and no TCM", master->name, address);
        return false;
    }
    if (sees(chip, master, from, size, true)) {
        n6_overlay_share(true);
        memcpy(n6_overlay_memory(chip) + from, data, size);
        n6_overlay_share(false);
    }
    return true;
}
