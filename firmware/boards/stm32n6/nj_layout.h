/* Where everything lies on an STM32N6: the one file that linker scripts, the packer of images and the virtual chip read.
 *
 * Plain `#define NAME number` lines only: the C preprocessor, linker scripts behind it, and Python read them alike.
 * Addresses are the secure aliases, as the boot ROM leaves the core (ST's map: stm32n657xx.h of cmsis-device-n6).
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_LAYOUT_H
#define NJ_LAYOUT_H

/* Memories. AXISRAM1 and 2 are on after a reset; 3 to 6 must be powered and clocked first. */
#define NJ_BOOT_ROM 0x18000000
#define NJ_ITCM 0x10000000
#define NJ_ITCM_BYTES 0x10000
#define NJ_DTCM 0x30000000
#define NJ_DTCM_BYTES 0x20000
#define NJ_AXISRAM1 0x34000000
#define NJ_AXISRAM1_BYTES 0x100000
#define NJ_AXISRAM2 0x34100000
#define NJ_AXISRAM2_BYTES 0x100000
#define NJ_AXISRAM3 0x34200000
#define NJ_AXISRAM4 0x34270000
#define NJ_AXISRAM5 0x342E0000
#define NJ_AXISRAM6 0x34350000
#define NJ_AXISRAM3_TO_6_EACH_BYTES 0x70000
#define NJ_CACHEAXI_RAM 0x343C0000
#define NJ_CACHEAXI_RAM_BYTES 0x40000
#define NJ_NOR 0x70000000
#define NJ_PSRAM 0x90000000

/* The application: its vector table and code, and its constants, where a debugger loads it and the first stage copies it.
 * Behind it lies data, up to the RAM of the NPU's cache. */
#define NJ_APPLICATION 0x34000400
#define NJ_CONSTANTS 0x34040000
#define NJ_APPLICATION_END 0x34180000
/* The first stage, which the boot ROM copies from the NOR and starts; the flash loader lies there, too. */
#define NJ_FIRST_STAGE 0x34180400
#define NJ_FIRST_STAGE_END 0x34190000

/* In the external NOR. An image is a header and, behind it, what is copied. */
#define NJ_IMAGE_HEADER_BYTES 0x400
/* "NJAP", the first word of the application's header; then load address, bytes, entry point and CRC-32 of the payload. */
#define NJ_APPLICATION_MAGIC 0x50414A4E
#define NJ_NOR_FIRST_STAGE 0x70000000
#define NJ_NOR_APPLICATION 0x70100000
#define NJ_NOR_WEIGHTS 0x71000000
/* Where the smaller of the two boards' NORs ends. */
#define NJ_NOR_END 0x74000000

/* The flash loader, which a debugger puts where the first stage lies, and the bytes that it is to write. */
#define NJ_LOADER_END 0x34182400
#define NJ_LOADER_BUFFER 0x34100000
#define NJ_LOADER_BUFFER_BYTES 0x40000

#endif
