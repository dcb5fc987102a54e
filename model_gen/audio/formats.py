"""Which files are recordings: the one list of suffixes, and what to do about the others."""

import shlex
from pathlib import PurePath

# Suffix -> what libsndfile calls the format. What is not here is no recording for us.
READ = {
    ".wav": "WAV",
    ".wave": "WAV",
    ".bwf": "WAV",
    ".flac": "FLAC",
    ".ogg": "OGG",
    ".oga": "OGG",
    ".opus": "OGG",
    ".mp3": "MP3",
    ".mp2": "MP3",
    ".aif": "AIFF",
    ".aiff": "AIFF",
    ".aifc": "AIFF",
    ".au": "AU",
    ".snd": "AU",
    ".caf": "CAF",
    ".w64": "W64",
    ".rf64": "RF64",
    ".wavex": "WAVEX",
    ".sph": "NIST",
    ".nist": "NIST",
    ".voc": "VOC",
    ".avr": "AVR",
    ".paf": "PAF",
    ".pvf": "PVF",
    ".sds": "SDS",
    ".sf": "IRCAM",
    ".ircam": "IRCAM",
    ".svx": "SVX",
    ".8svx": "SVX",
    ".wve": "WVE",
    ".xi": "XI",
}
SUFFIXES = frozenset(READ)

# Formats of libsndfile that no suffix leads to.
NOT_TAKEN = {
    "RAW": "has no header, so that neither rate nor channels are known",
    "SD2": "keeps its header in another file",
    "MAT4": "is any matrix",
    "MAT5": "is any matrix",
    "HTK": "is mostly features, not sound",
    "MPC2K": "shares its suffix with Musepack, which is commoner",
}

# Sound that libsndfile does not read, by suffix.
UNREAD = {
    ".m4a": "AAC or ALAC",
    ".m4b": "AAC",
    ".mp4": "AAC",
    ".aac": "AAC",
    ".wma": "Windows Media",
    ".asf": "Windows Media",
    ".amr": "AMR",
    ".3gp": "AMR or AAC",
    ".ape": "Monkey's Audio",
    ".wv": "WavPack",
    ".tta": "True Audio",
    ".mpc": "Musepack",
    ".ac3": "AC-3",
    ".dts": "DTS",
    ".mka": "Matroska",
    ".webm": "Matroska",
    ".ra": "RealAudio",
    ".dsf": "DSD",
    ".dff": "DSD",
    ".wac": "Wildlife Acoustics",
}

TAKEN = "WAV, FLAC, OGG, Opus, MP3, AIFF, AU, CAF, W64 and RF64"  # for messages: the usual ones


def suffix_of(name: str) -> str:
    """The suffix of a file's name, in lower case, with its dot; "" where it has none."""
    return PurePath(name).suffix.lower()


def is_recording(name: str) -> bool:
    """Whether a file of this name is taken for a recording."""
    return suffix_of(name) in SUFFIXES


def convert(name: str) -> str:
    """The command that makes a recording of a file that libsndfile does not read.

    >>> convert("a b.m4a")
    "ffmpeg -i 'a b.m4a' 'a b.flac'"
    """
    made = str(PurePath(name).with_suffix(".flac"))
    return f"ffmpeg -i {shlex.quote(name)} {shlex.quote(made)}"


def convert_all(folder: PurePath, suffix: str) -> str:
    """The command that converts each file of a folder that ends so.

    >>> print(convert_all(PurePath("a b"), ".m4a"))
    for f in 'a b'/*.m4a; do ffmpeg -i "$f" "${f%.*}.flac"; done
    """
    files = f"{shlex.quote(str(folder))}/*{suffix}"
    return f'for f in {files}; do ffmpeg -i "$f" "${{f%.*}}.flac"; done'


def why_ignored(name: str) -> str:
    """Why a file whose name is no recording's is not used, with what to do where it is sound."""
    suffix = suffix_of(name)
    if suffix in UNREAD:
        return f"{UNREAD[suffix]} is not read; convert it: {convert(name)}"
    return f"no recording ({suffix})" if suffix else "no recording (no suffix)"
