# virtual: a Cortex-M55 with Helium, QEMU's machine mps3-an547. Included before project().
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR cortex-m55)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_ASM_COMPILER arm-none-eabi-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(NJ_CPU_FLAGS -mcpu=cortex-m55 -mthumb -mfloat-abi=hard)
set(NJ_BOARD_SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/nj_startup.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_fault_entry.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_mpu.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_lan9118.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_uart.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_cost.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_main.c)
set(NJ_LINKER_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/nj_virtual.ld)
# --enable-non-contiguous-regions: what does not fit the SRAM goes on in the DDR (see the script).
set(NJ_LINK_FLAGS -nostartfiles -T${NJ_LINKER_SCRIPT} -Wl,--build-id=sha1 -Wl,--gc-sections
  -Wl,--enable-non-contiguous-regions)
set(NJ_LINK_LIBRARIES m c gcc)
