"""The virtual STM32N6: QEMU's machine in C (GPL-2.0-or-later), and how it is built."""
