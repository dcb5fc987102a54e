# STM32N6: what its boards share. Included before project().
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR cortex-m55)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_ASM_COMPILER arm-none-eabi-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
if(NOT DEFINED NJ_CPU_MHZ)
  set(NJ_CPU_MHZ 600 CACHE STRING "The core's clock in MHz: 600, or 800, for which the core's voltage is raised")
endif()
set(NJ_CPU_FLAGS -mcpu=cortex-m55 -mthumb -mfloat-abi=hard)
set(NJ_BOARD_SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/nj_startup.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_fault_entry.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_supply.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_clock.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_memory.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_mpu.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_cache.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_usart.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_cost.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_wait.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_main.c)
set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/nj_supply.c ${CMAKE_CURRENT_LIST_DIR}/nj_clock.c
  PROPERTIES COMPILE_DEFINITIONS NJ_CPU_MHZ=${NJ_CPU_MHZ})
# An interrupt is taken there: no register of floating point or vectors may change in it.
set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/nj_usart.c PROPERTIES COMPILE_OPTIONS -mgeneral-regs-only)
# The project's CMakeLists.txt says where the weights lie.
if(NJ_WEIGHTS_IN_NOR)
  list(APPEND NJ_BOARD_SOURCES ${CMAKE_CURRENT_LIST_DIR}/nj_xspi.c ${CMAKE_CURRENT_LIST_DIR}/nj_nor.c)
  set_property(SOURCE ${CMAKE_CURRENT_LIST_DIR}/nj_main.c APPEND PROPERTY COMPILE_DEFINITIONS NJ_WEIGHTS_IN_NOR)
  list(APPEND NJ_LINKER_DEFINITIONS -DNJ_WEIGHTS_IN_NOR)
  if(NJ_WEIGHTS_AT)
    list(APPEND NJ_LINKER_DEFINITIONS -DNJ_WEIGHTS_AT=${NJ_WEIGHTS_AT})
  endif()
endif()
# And whether AXISRAM3 to 6 are the NPU's.
if(NJ_WITH_NPU)
  list(APPEND NJ_BOARD_SOURCES ${CMAKE_CURRENT_LIST_DIR}/nj_npu.c ${CMAKE_CURRENT_LIST_DIR}/nj_cache_lines.c)
  set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/nj_npu.c PROPERTIES
    INCLUDE_DIRECTORIES ${CMAKE_CURRENT_LIST_DIR}/../npu)
  list(APPEND NJ_LINKER_DEFINITIONS -DNJ_WITH_NPU)
endif()
# And whether it listens; only the STM32N6570-DK has a microphone and a card's slot.
if(NJ_LISTENING AND NJ_HAS_SOURCES)
  set(sources nj_sources.c nj_mdf.c nj_gpdma.c nj_sdmmc.c nj_sd.c nj_cache_lines.c)
  list(TRANSFORM sources PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
  list(APPEND NJ_BOARD_SOURCES ${sources})
  set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS -mgeneral-regs-only)
  set_property(SOURCE ${CMAKE_CURRENT_LIST_DIR}/nj_startup.c ${CMAKE_CURRENT_LIST_DIR}/nj_main.c
    APPEND PROPERTY COMPILE_DEFINITIONS NJ_LISTENING)
endif()
list(REMOVE_DUPLICATES NJ_BOARD_SOURCES) # both have need of lines
# nj_layout.h says where everything lies, to C and to the linker alike.
set(NJ_LINKER_SCRIPT ${CMAKE_BINARY_DIR}/nj_stm32n6.ld)
execute_process(
  COMMAND ${CMAKE_C_COMPILER} -E -P -x c ${NJ_LINKER_DEFINITIONS} ${CMAKE_CURRENT_LIST_DIR}/nj_stm32n6.ld -o ${NJ_LINKER_SCRIPT}
  COMMAND_ERROR_IS_FATAL ANY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  ${CMAKE_CURRENT_LIST_DIR}/nj_stm32n6.ld ${CMAKE_CURRENT_LIST_DIR}/nj_layout.h)
set(NJ_LINK_FLAGS -nostartfiles -T${NJ_LINKER_SCRIPT} -Wl,--build-id=sha1 -Wl,--gc-sections)
set(NJ_LINK_LIBRARIES m c gcc)
