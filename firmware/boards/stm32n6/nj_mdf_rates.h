/* The rates that the microphone can be sampled at, and how. PLL3 gives 64 MHz / 8 x (N + FRACTION / 2^24) / 7, IC8 a quarter of it, the
 * filter's clock is half of that; the microphone's CLOCK-th part of it lies between 1.0 and 3.25 MHz; the filters decimate by CIC and 4.
 * GAIN is in steps of 3 dB: with 14 at a decimation by 32 a sound of 96 dB fills 16 bits, as in ST's example.
 *
 * One line a rate, which Python reads as well (host/n6_microphone.py, whose test computes them).
 * SPDX-License-Identifier: MIT
 */
/*      rate     N, FRACTION   CLOCK CIC GAIN */
NJ_RATE(8000, 172, 536871, 12, 64, 6)
NJ_RATE(11025, 158, 912681, 8, 64, 6)
NJ_RATE(12000, 172, 536871, 8, 64, 6)
NJ_RATE(16000, 172, 536871, 12, 32, 14)
NJ_RATE(22050, 158, 912681, 8, 32, 14)
NJ_RATE(24000, 172, 536871, 8, 32, 14)
NJ_RATE(32000, 172, 536871, 12, 16, 22)
NJ_RATE(44100, 158, 912681, 8, 16, 22)
NJ_RATE(48000, 172, 536871, 8, 16, 22)
