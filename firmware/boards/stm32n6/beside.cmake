# What boots or is loaded beside the application: the first stage, and the flash loader that a debugger needs for the NOR.
# Included behind the application.
set(NJ_BARE_SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/nj_cache.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_supply.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_clock.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_wait.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_xspi.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_nor.c)

# nj_bare(NAME END SOURCES...): NAME.elf, which ends before END of nj_layout.h.
function(nj_bare name end)
  set(script ${CMAKE_BINARY_DIR}/${name}.ld)
  execute_process(
    COMMAND ${CMAKE_C_COMPILER} -E -P -x c -DNJ_BARE_END=${end} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/nj_bare.ld -o ${script}
    COMMAND_ERROR_IS_FATAL ANY)
  add_executable(${name} ${ARGN})
  set_target_properties(${name} PROPERTIES SUFFIX .elf LINK_DEPENDS ${script})
  target_include_directories(${name} PRIVATE core board)
  # Nobody turns the unit for floating point and vectors on.
  target_compile_options(${name} PRIVATE -Os -mgeneral-regs-only -ffreestanding -fno-tree-loop-distribute-patterns
    ${NJ_STRICT})
  target_link_libraries(${name} PRIVATE gcc)
  target_link_options(${name} PRIVATE ${NJ_CPU_FLAGS} -nostartfiles -nostdlib -T${script} -Wl,--build-id=none -Wl,--gc-sections)
endfunction()

nj_bare(nj_first_stage NJ_FIRST_STAGE_END ${NJ_BARE_SOURCES} ${CMAKE_CURRENT_LIST_DIR}/nj_usart.c
  ${CMAKE_CURRENT_LIST_DIR}/nj_first_stage.c core/link/nj_crc32.c)
nj_bare(nj_flash_loader NJ_LOADER_END ${NJ_BARE_SOURCES}
  ${CMAKE_CURRENT_LIST_DIR}/nj_flash_loader.c core/link/nj_crc32.c)
