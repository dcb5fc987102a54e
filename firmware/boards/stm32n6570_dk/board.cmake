# stm32n6570-dk. Included before project().
set(NJ_DK_REVISION C01 CACHE STRING "What is printed on the board behind MB1939: its revision, A01 to C01 and later")
set(NJ_HAS_SOURCES ON) # a microphone and a card's slot
include(${CMAKE_CURRENT_LIST_DIR}/stm32n6.cmake)
if(NJ_CPU_MHZ GREATER 600 AND NJ_DK_REVISION STRLESS C01)
  message(FATAL_ERROR "NJ_CPU_MHZ=${NJ_CPU_MHZ} needs the core's higher voltage. The converter of an STM32N6570-DK before "
    "revision C01 (NJ_DK_REVISION=${NJ_DK_REVISION}) is asked for it by I2C, which this firmware does not speak: build for 600.")
endif()
