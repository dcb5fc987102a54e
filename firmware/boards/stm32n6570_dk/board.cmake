# stm32n6570-dk. Included before project().
include(${CMAKE_CURRENT_LIST_DIR}/stm32n6.cmake)
