# native: the firmware as a process of this computer. Included before project().
set(NJ_CPU_FLAGS "")
cmake_host_system_information(RESULT NJ_HOST QUERY OS_PLATFORM)
if(NJ_HOST MATCHES "x86_64|AMD64")
  # Baseline SSE2: the same bits on every x86-64, no fused multiply-add.
  set(NJ_CPU_FLAGS -march=x86-64)
endif()
# Not position independent: a fault's PC is then the address in the ELF, and fits the 32 bits of the report.
list(APPEND NJ_CPU_FLAGS -fno-pie)
set(NJ_BOARD_SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/nj_main.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_channel.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_signals.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_sources.c)
set(NJ_LINKER_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/nj_native.ld)
set(NJ_LINK_FLAGS -no-pie -Wl,--build-id=sha1 -Wl,--gc-sections -Wl,-z,noexecstack -T${NJ_LINKER_SCRIPT})
set(NJ_LINK_LIBRARIES m)
