# nucleo-n657x0-q. Included before project().
include(${CMAKE_CURRENT_LIST_DIR}/stm32n6.cmake)
