/* Generated code refuses a library of another version than its own. What runs here takes all of
 * them, so the version is the one that the code itself names: whoever compiles it passes the four
 * numbers.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_LL_ATON_VERSION_H
#define NJ_NPU_LL_ATON_VERSION_H

#if !defined(LL_ATON_VERSION_MAJOR) || !defined(LL_ATON_VERSION_MINOR) || \
    !defined(LL_ATON_VERSION_MICRO) || !defined(LL_ATON_VERSION_DEV)
#error "define LL_ATON_VERSION_MAJOR, MINOR, MICRO and DEV as the generated code asks for them"
#endif

#endif
