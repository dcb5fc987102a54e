/* Files of this computer as the native board's card and microphone.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_SOURCES_H
#define NJ_SOURCES_H

#include <stdbool.h>

#include "nj_port.h"

/* Where their paths are kept, over a reset too. */
#define NJ_CARD_PATH "NIGHTJAR_CARD"
#define NJ_MICROPHONE_PATH "NIGHTJAR_MICROPHONE"
#define NJ_GREETED "NIGHTJAR_GREETED" /* set: never taken for alone */

/* Give the port the card and the microphone whose paths are kept, and a clock, by which it knows that it is
 * alone. False: there is neither. */
bool nj_sources_start(struct nj_port *port);

#endif
