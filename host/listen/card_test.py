"""The card's layout: the bytes as the firmware's header has them, WAV readers content, cuts of the power harmless."""

import io
import subprocess
import wave
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.errors import BadInput
from host.listen.card import (
    BLOCK,
    CardFile,
    Entry,
    EntryKind,
    FileKind,
    Log,
    index_block,
    log_block,
    log_head,
    read_index,
    read_log,
    recording_head,
    volume_crc,
)

CORE = Path(__file__).parents[2] / "firmware" / "core"
# Reads the four blocks by the firmware's own structures and prints what it found.
READER = r"""
#include <stdio.h>
#include <string.h>
#include "nj_card_layout.h"
static struct nj_card_index i;
static struct nj_log_head h;
static struct nj_log_block b;
static struct nj_recording_head r;
int main(void) {
    void *const to[] = {&i, &h, &b, &r};
    for (int n = 0; n < 4; ++n) {
        if (fread(to[n], NJ_CARD_BLOCK, 1, stdin) != 1) return 1;
    }
    if (memcmp(i.magic, NJ_CARD_MAGIC, 8) || memcmp(h.magic, NJ_LOG_MAGIC, 8)) return 2;
    if (memcmp(r.magic, NJ_RECORDING_MAGIC, 8) || b.magic != NJ_LOG_BLOCK_MAGIC) return 3;
    printf("%u %u %u %u ", i.files, i.volume, i.file[1].kind, i.file[1].first);
    printf("%u %u %u ", i.file[1].blocks, i.volume_crc, i.crc);
    printf("%u %u %u %u %u %u %u ", h.id, h.blocks, h.crc, b.id, b.number, b.entries, b.crc);
    const struct nj_log_entry *const e = &b.entry[1];
    printf("%u %u %llu ", e->kind, e->label, (unsigned long long)e->start);
    printf("%llu %u %u ", (unsigned long long)e->end, e->score, e->count);
    printf("%u %u %u\n", r.rate_hz, r.samples, r.crc);
}
"""
ENTRIES = tuple(
    Entry(EntryKind.DETECTION, i, 2**40 + i, 2**41 + i, 3, 2**32 - 1 - i) for i in range(15)
)
BOOT = bytes(range(256)) * 2


def word(block: bytes, place: int) -> int:
    return int.from_bytes(block[place : place + 4], "little")


def test_the_firmware_reads_the_same_fields(tmp_path: Path) -> None:
    source = tmp_path / "reader.c"
    source.write_text(READER)
    subprocess.run(
        ["gcc", "-Wall", "-Werror", f"-I{CORE}", source, "-o", tmp_path / "reader"], check=True
    )
    files = [CardFile(FileKind.LOG, 2050, 100), CardFile(FileKind.RECORDING, 4000, 77)]
    index = index_block(files, volume=2048, boot_sector=BOOT)
    head, block, wav = log_head(77, 100), log_block(77, 5, ENTRIES), recording_head(24000, 99)
    ran = subprocess.run(
        [tmp_path / "reader"], input=index + head + block + wav, capture_output=True, check=True
    )
    want = [2, 2048, 2, 4000, 77, volume_crc(BOOT), word(index, 508), 77, 100, word(head, 508)]
    want += [77, 5, 15, word(block, 508), 2, 1, 2**40 + 1, 2**41 + 1, 3, 2**32 - 2]
    assert [int(field) for field in ran.stdout.split()] == [*want, 24000, 99, word(wav, 500)]
    assert read_index(index) == tuple(files)


def test_a_busy_volume_is_the_same_and_another_is_not() -> None:
    busy = bytearray(BOOT)
    busy[0x25] ^= 1
    busy[0x41] ^= 1
    assert volume_crc(bytes(busy)) == volume_crc(BOOT)
    busy[0x43] ^= 1
    assert volume_crc(bytes(busy)) != volume_crc(BOOT)


def test_a_recording_is_a_wav_file() -> None:
    samples = b"\1\0\2\0\3\0"
    with wave.open(io.BytesIO(recording_head(16000, 3) + samples)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
        assert file.readframes(10) == samples


@given(cut=st.integers(BLOCK, 6 * BLOCK), junk=st.binary(max_size=16))
def test_a_cut_costs_the_block_that_was_being_written(cut: int, junk: bytes) -> None:
    """The power fails after `cut` bytes: what an older log left there follows."""
    new = log_head(7, 6) + b"".join(log_block(7, i, ENTRIES[:i]) for i in range(1, 6))
    old = log_head(6, 6) + b"".join(log_block(6, i, ENTRIES[1:]) for i in range(1, 6))
    torn = new[:cut] + junk + old[cut + len(junk) :]
    whole = read_log(torn).entries
    blocks = cut // BLOCK - 1
    rows = [entry for i in range(1, blocks + 1) for entry in ENTRIES[:i]]
    assert list(whole) == rows or (
        whole == tuple(rows + list(ENTRIES[: blocks + 1]))
        and torn[cut:].startswith(new[cut : BLOCK * (blocks + 2)])
    )


def test_a_damaged_block_costs_its_own_entries() -> None:
    blocks = [log_head(7, 6), *(log_block(7, i, ENTRIES[:i]) for i in range(1, 5)), bytes(BLOCK)]
    blocks[2] = blocks[2][:100] + b"?" + blocks[2][101:]
    whole = tuple(e for i in (1, 3, 4) for e in ENTRIES[:i])
    assert read_log(b"".join(blocks)) == Log(whole, damaged=1, full=False)


def test_what_only_a_later_version_writes_is_refused() -> None:
    strange: Any = 9
    log = log_head(7, 2) + log_block(7, 1, [replace(ENTRIES[0], kind=strange)])
    with pytest.raises(BadInput, match="another version"):
        read_log(log)
    with pytest.raises(BadInput, match="another version"):
        read_index(index_block([CardFile(strange, 9, 2)], volume=1, boot_sector=BOOT))
    later = index_block([], volume=1, boot_sector=BOOT)
    with pytest.raises(BadInput, match="another version"):
        read_index(later[:7] + b"\2" + later[8:])


@pytest.mark.parametrize(
    "content", [b"", bytes(BLOCK), index_block([], volume=1, boot_sector=BOOT)]
)
def test_what_is_no_log_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput, match="no log"):
        read_log(content)


def test_what_is_no_index_is_refused() -> None:
    good = index_block([], volume=1, boot_sector=BOOT)
    for bad in (b"", log_head(1, 2), good[:100] + b"x" + good[101:]):
        with pytest.raises(BadInput, match="no index"):
            read_index(bad)
    with pytest.raises(BadInput, match="at most 30"):
        index_block([CardFile(FileKind.LOG, 1, 2)] * 31, volume=1, boot_sector=BOOT)
