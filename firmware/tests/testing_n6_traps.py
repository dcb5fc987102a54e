"""The steps that an STM32N6's start-up may forget, one by one, and how the virtual chip must name each."""

from dataclasses import dataclass

Edit = tuple[str, str, str]  # file of the port, what is there once, what is there instead

# Nothing that is forgotten: what brings a step into play. Each is judged without any trap, too.
# All data in AXISRAM3 and behind it, where a large model's lies.
FAR: tuple[Edit, ...] = (
    ("nj_layout.h", "NJ_APPLICATION_END 0x34180000", "NJ_APPLICATION_END 0x34200000"),
)
# As when a first stage was there before: the clocks are started while they run.
TWICE: tuple[Edit, ...] = (
    (
        "nj_startup.c",
        "    nj_clock_start();",
        "    nj_clock_start();\n    for (volatile uint32_t turn = 0; turn < 1000; ++turn) {\n    }\n"
        "    nj_clock_start();",
    ),
)
# The data's memory behind a region of RISAF3 that lets the core.
LETS = "    NJ_REGISTER(0x5402804Cu) = 0x00020002u; /* REG1_CIDCFGR: compartment 1 reads and writes */\n"
GUARDED: tuple[Edit, ...] = (
    (
        "nj_memory.c",
        "    /* A core that sleeps",
        "    NJ_REGISTER(0x56028A58u) = 1u << 14; /* RISAF has a clock */\n"
        "    NJ_REGISTER(0x54028044u) = 0x00080000u; /* from the half of AXISRAM2 */\n"
        "    NJ_REGISTER(0x54028048u) = 0x000FFFFFu;\n"
        + LETS
        + "    NJ_REGISTER(0x54028040u) = 0x101u; /* secure, on */\n    /* A core that sleeps",
    ),
)
# A region of the MPU, over the stacks, that whoever started us has left.
REGION: tuple[Edit, ...] = (
    (
        "nj_mpu.c",
        "    MPU_CTRL = 0;\n",
        "    MPU_CTRL = 0;\n    MPU_RNR = 9;\n    MPU_RBAR = 0x30000000u;\n    MPU_RLAR = 0x3001FFE1u;\n",
    ),
)
# An interrupt that whoever started us has given to the other security state.
GIVEN_AWAY: tuple[Edit, ...] = (
    (
        "nj_startup.c",
        "    for (uint32_t irq = 0;",
        "    NVIC_NONSECURE(NJ_IRQ_USART1) = 0xFFFFFFFFu;\n    for (uint32_t irq = 0;",
    ),
)
# Code that has been made non-secure.
PARTED: tuple[Edit, ...] = (
    (
        "nj_startup.c",
        '        "ldr r1, =0xE000EDD0\\n"',
        '        "ldr r1, =0xE000EDD0\\n"\n        "str r0, [r1, #8]\\n"\n        "ldr r2, =nj_main\\n"\n'
        '        "bic r2, r2, #31\\n"\n        "str r2, [r1, #12]\\n"\n        "orr r2, r2, #1\\n"\n'
        '        "str r2, [r1, #16]\\n"\n        "mov r2, #1\\n"\n        "str r2, [r1]\\n"\n        "dsb\\n"\n'
        '        "isb\\n"\n        "ldr r1, =0xE000EDD0\\n"',
    ),
)


@dataclass(frozen=True)
class Trap:
    """A step, and how its absence must be named.

    said: all of these are in the failure's text. build: "" as it ships, "nor" with its weights in the
    NOR, "800" at 800 MHz.
    """

    forgets: Edit
    said: tuple[str, ...]
    given: tuple[Edit, ...] = ()
    build: str = ""


def without(file: str, text: str) -> Edit:
    return file, text, ""


TRAPS = {
    # Supplies.
    "clock of PWR": Trap(
        without("nj_supply.c", "    RCC_AHB4ENSR = RCC_AHB4_PWR;\n"),
        ("nj_supply.c:", "PWR: a register was written while", "bit 18 of RCC_AHB4ENR is 0"),
    ),
    "supply's ready bit": Trap(
        without("nj_supply.c", "    while ((PWR_VOSCR & PWR_VOSCR_ACTVOSRDY) == 0) {\n    }\n"),
        ("PWR: the core was made faster than 64 MHz", "ACTVOSRDY"),
    ),
    "the board's own converter": Trap(
        ("nj_kind.h", "NJ_SUPPLY_EXTERNAL 1", "NJ_SUPPLY_EXTERNAL 0"),
        ("nj_supply.c:", "PWR: CR1.SDEN is set", "STM32N6570-DK"),
    ),
    "supply of the NOR's pins": Trap(
        ("nj_supply.c", "PWR_SVMCR3_VDDIO3SV | ", ""),
        ("GPION: its pins are dead", "PWR_SVMCR3.VDDIO3SV"),
        build="nor",
    ),
    "higher voltage": Trap(
        without("nj_supply.c", "    PWR_VOSCR = PWR_VOSCR | PWR_VOSCR_VOS;\n"),
        ("PWR: the core was made faster than the lower voltage allows", "VOS"),
        build="800",
    ),
    "higher voltage's ready bit": Trap(
        without("nj_supply.c", "    while ((PWR_VOSCR & PWR_VOSCR_VOSRDY) == 0) {\n    }\n"),
        ("PWR: the core was made faster than the lower voltage allows", "VOSRDY"),
        build="800",
    ),
    "higher voltage of the converter": Trap(
        without("nj_supply.c", "    GPIOF_BSRR = 1u << 4;\n"),
        ("GPIOF: the core was made faster than 600 MHz", "PF4 does not drive high"),
        build="800",
    ),
    # Clocks.
    "PLL's factors": Trap(
        ("nj_clock.c", "#define PLL1_N 75", "#define PLL1_N 250"),
        ("nj_clock.c:", "PLL1 gives nothing: its oscillator is out of range", "DIVN 250"),
    ),
    "PLL's ready bit": Trap(
        without("nj_clock.c", "    while ((RCC_SR & RCC_PLL1) == 0) {\n    }\n"),
        ("RCC 56028240: IC1 was enabled before its source PLL1 was ready", "nj_clock.c:"),
    ),
    "PLL's stop": Trap(
        without("nj_clock.c", "    while ((RCC_SR & RCC_PLL1) != 0) {\n    }\n"),
        ("RCC 56028080: a PLL's factors were written", "nj_clock.c:"),
        given=TWICE,
    ),
    "switch's ready bits": Trap(
        ("nj_clock.c", "    while ((RCC_CFGR1 & now) != wanted) {", "    while (now < wanted) {"),
        ("RCC: what the core runs from was stopped", "CPUSWS"),
        given=TWICE,
    ),
    "IC6": Trap(
        ("nj_clock.c", " | RCC_DIVEN(6u)", ""),
        ("nj_clock.c:", "system clock's switch in CFGR1 waits for IC6, which is not enabled"),
    ),
    "IC11": Trap(
        ("nj_clock.c", " | RCC_DIVEN(11u)", ""),
        ("nj_clock.c:", "system clock's switch in CFGR1 waits for IC11, which is not enabled"),
    ),
    # Memory.
    "clock of AXISRAM3 to 6": Trap(
        ("nj_memory.c", "RCC_MEMENSR = RCC_MEM_AXISRAM3_TO_6 | ", "RCC_MEMENSR = "),
        ("AXISRAM3: a write is lost: it has no clock (bit 0 of RCC_MEMENR is 0)",),
        given=FAR,
    ),
    "power of AXISRAM3 to 6": Trap(
        ("nj_memory.c", "axisram = 2;", "axisram = 7;"),
        ("AXISRAM3: a write is lost: it is shut down (SRAMSD in RAMCFG_AXISRAM3CR)",),
        given=FAR,
    ),
    "clock of RAMCFG": Trap(
        without(
            "nj_memory.c",
            "    RCC_AHB2ENSR = RCC_AHB2_RAMCFG; /* RAMCFG has a clock of its own */\n",
        ),
        ("RAMCFG: a register was", "bit 12 of RCC_AHB2ENR is 0"),
        given=FAR,
    ),
    "RISAF's compartment": Trap(
        without("nj_memory.c", LETS),
        ("RISAF3: a read gives zero", "34180000", "REG1_CIDCFGR"),
        given=GUARDED,
    ),
    # The core.
    "what the boot ROM left pending": Trap(
        without(
            "nj_startup.c",
            "        NVIC_DISABLE(irq) = 0xFFFFFFFFu;\n        NVIC_UNPEND(irq) = 0xFFFFFFFFu;\n",
        ),
        ("NVIC: interrupt 21, which the boot ROM had left pending, was taken", "nj_startup.c:"),
    ),
    "vector table": Trap(
        without("nj_startup.c", "    SCB_VTOR = (uint32_t)(uintptr_t)&vectors;\n"),
        ("SCB: exception 175 went to the boot ROM's vectors: VTOR was not set",),
    ),
    "cycle counter": Trap(
        without("nj_cost.c", "    PMU_CNTENSET = PMU_CYCLES;\n"),
        ("cost nothing: the board's counter stands still",),
    ),
    "performance monitor": Trap(
        ("nj_cost.c", "PMU_CTRL = PMU_CTRL_E | PMU_CTRL_C", "PMU_CTRL = PMU_CTRL_C"),
        ("cost nothing: the board's counter stands still",),
    ),
    "trace": Trap(
        without("nj_cost.c", "    DCB_DEMCR = DCB_DEMCR | DCB_DEMCR_TRCENA;\n"),
        ("PMU e0003e04: it was enabled while DEMCR.TRCENA is 0", "nj_cost.c:"),
    ),
    "plain accesses": Trap(
        (
            "nj_usart.c",
            "    USART1_ICR = USART_ISR_ORE | USART_ISR_NE | USART_ISR_FE;",
            '    __asm__ volatile("ldrex r0, [%0]" : : "r"(0x52001000u) : "r0");\n'
            "    USART1_ICR = USART_ISR_ORE | USART_ISR_NE | USART_ISR_FE;",
        ),
        ("an exclusive access (LDREX) to the register 52001000", "nj_usart.c:"),
    ),
    "regions that somebody left": Trap(
        ("nj_mpu.c", "        MPU_RLAR = 0;", "        "),
        ("its firmware is not to be found",),
        given=REGION,
    ),
    "interrupts that are not ours": Trap(
        without("nj_startup.c", "        NVIC_NONSECURE(irq) = 0;\n"),
        ("its firmware is not to be found",),
        given=GIVEN_AWAY,
    ),
    "code that is not ours": Trap(
        without(
            "nj_startup.c",
            '        "ldr r1, =0xE000EDD0\\n" /* SAU_CTRL: all that the chip has for secure is */\n'
            '        "str r0, [r1]\\n"\n',
        ),
        ("no answer from the firmware to HELLO", "nj_usart.c:"),  # a fault before there is a port
        given=PARTED,
    ),
    # What memory and caches hold.
    "end of the caches": Trap(
        without(
            "nj_startup.c",
            "    nj_cache_stop(); /* once there is power wherever it may write back to */\n",
        ),
        ("SCB e000ef60: a line of the data cache was dropped", "nj_cache.c:"),
    ),
    "what the data cache holds": Trap(
        without("nj_cache.c", "        each_line(&SCB_DCCISW);\n"),
        ("SCB e000ef60: a line of the data cache was dropped", "nj_cache.c:"),
    ),
    "end of the caches in the flash loader": Trap(
        without("nj_bare.h", '        "bl nj_cache_stop\\n"\n'),
        ("NOR 0000", "it was changed while the data cache is on"),
        build="nor",
    ),
    "first word after a power-on": Trap(
        (
            "nj_main.c",
            "(flags & (RCC_RSR_POR | RCC_RSR_BOR)) != 0;",
            "flags == 0;",
        ),
        ("DTCM 30000000: a word was read that nobody has written", "nj_main.c:"),
    ),
    "first write of the stacks": Trap(
        ("nj_startup.c", "1: strd r2, r2, [r3], #8", "1: add r3, r3, #8"),
        ("DTCM 3000", "of a word that nobody has written since the power-on"),
    ),
    "first write of the flash loader's stack": Trap(
        ("nj_bare.h", "1: strd r0, r0, [r2, #-8]!", "1: sub r2, r2, #8"),
        ("DTCM 3001f", "of a word that nobody has written since the power-on"),
        build="nor",
    ),
    # The serial port.
    "clock of USART1": Trap(
        without("nj_usart.c", "    RCC_APB2ENSR = RCC_APB2_USART1;\n"),
        ("nj_usart.c:", "USART1: a register was", "bit 4 of RCC_APB2ENR is 0"),
    ),
    "clock of GPIO E": Trap(
        without("nj_usart.c", "    RCC_AHB4ENSR = RCC_AHB4_GPIOE;\n"),
        ("GPIOE: a register was", "bit 4 of RCC_AHB4ENR is 0"),
    ),
    "pins' function": Trap(
        ("nj_usart.c", "FUNCTION_USART1 7u", "FUNCTION_USART1 8u"),
        ("USART1: a byte did not get through PE6", "MODER 2, AFRL 8"),
    ),
    "speed of the interrupt": Trap(
        (
            "nj_usart.c",
            "        const uint8_t byte = (uint8_t)USART1_RDR;",
            "        const uint8_t byte = (uint8_t)USART1_RDR;\n"
            "        for (volatile uint32_t turn = 0; turn < 400; ++turn) {\n        }",
        ),
        ("USART1: a byte was lost, since RDR was not read in time (ORE in ISR)",),
    ),
    "USART1's clock while the core sleeps": Trap(
        without("nj_memory.c", "    RCC_APB2LPENSR = RCC_APB2_USART1;\n"),
        ("its sleep clock is off (bit 4 of RCC_APB2LPENR is 0)",),
    ),
    # What is not to be touched, or not yet.
    "that MEMSYSCTL is no memory": Trap(
        (
            "nj_cache.c",
            "    each_line(&SCB_DCISW);",
            "    (void)NJ_REGISTER(0xE001E008u);\n    each_line(&SCB_DCISW);",
        ),
        ("MEMSYSCTL e001e008: a register that is not listed was read", "nj_cache.c:"),
    ),
    "that the performance monitor is no memory": Trap(
        (
            "nj_cost.c",
            "    PMU_CNTENSET = PMU_CYCLES;",
            "    PMU_CNTENSET = PMU_CYCLES;\n    NJ_REGISTER(0xE0003400u) = 8;",
        ),
        ("PMU e0003400: a register that is not listed was written", "nj_cost.c:"),
    ),
    "that fuses are not burnt": Trap(
        (
            "nj_main.c",
            "    (void)RCC_APB4ENR2;",
            "    NJ_REGISTER(0x56009C04u) = 1u << 13;\n    (void)RCC_APB4ENR2;",
        ),
        ("BSEC 56009c04: a fuse would have been burnt", "nj_main.c:"),
    ),
    "that the NOR is mapped": Trap(
        ("nj_main.c", "        nj_nor_map();\n", ""),
        ("data bus error", "at address 0x71000000"),
        build="nor",
    ),
    "that a mapping is ended": Trap(
        ("nj_xspi.c", "        XSPI2_CR = XSPI2_CR | XSPI_CR_ABORT;\n", ""),
        ("XSPI2 5802a000: FMODE was changed while the window may be read (BUSY)",),
        build="nor",
    ),
    "that XSPI2 leaves its reset": Trap(
        ("nj_xspi.c", "    RCC_AHB5RSTCR = RCC_AHB5_XSPI2;\n", ""),
        ("XSPI2 5802a008: a register was written while the block is held in reset",),
        build="nor",
    ),
}
