/* Text for whoever watches the link: LOG frames.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_LOG_H
#define NJ_LOG_H

#include <stdint.h>

/* Send UTF-8 text, in as many LOG frames as it needs. Nothing happens before nj_application has started. */
void nj_log(const char *text);
void nj_log_bytes(const char *text, uint32_t length);

#endif
