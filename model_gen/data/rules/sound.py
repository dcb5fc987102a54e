"""Rules about what the recordings sound like."""

from collections.abc import Iterator

from model_gen.data.rules.scene import Hit, Scene, rule


@rule(
    "unreadable",
    "warn",
    says="A recording cannot be decoded at all, or holds NaN or infinity: it is left out.",
    mend="replace or remove it",
)
def unreadable(scene: Scene, _: None) -> Iterator[Hit]:
    for recording in scene.everything:
        reason = scene.measures[recording.relative].unreadable
        if reason:
            yield Hit((recording.relative,), reason)


@rule(
    "damaged",
    "warn",
    says="A recording breaks off, or its header was never finished: its good part is used.",
    mend="copy it again from its card, or leave it",
)
def damaged(scene: Scene, _: None) -> Iterator[Hit]:
    for recording, found in scene.readable:
        if found.damage:
            yield Hit((recording.relative,), found.damage)


@rule(
    "silence",
    "warn",
    limit=0.0001,
    says="A recording of a class is silent: the root mean square of its channels' mean, without "
    "its DC, is below the "
    "limit (full scale is 1).",
    mend="remove it, or move it to a folder named silence",
)
def silence(scene: Scene, limit: float) -> Iterator[Hit]:
    for recording, found in scene.readable:
        if recording.labels and found.level < limit:
            yield Hit((recording.relative,), found.level)


@rule(
    "dc",
    "warn",
    limit=0.02,
    says="A recording does not swing around 0: the mean of its samples is farther from it than "
    "the limit "
    "(full scale is 1, or the peak where that is higher).",
    mend="take the offset out with a high-pass: sox IN OUT highpass 20",
)
def dc(scene: Scene, limit: float) -> Iterator[Hit]:
    for recording, found in scene.readable:
        if abs(found.dc) > limit * max(1.0, found.peak):
            yield Hit((recording.relative,), found.dc)


@rule(
    "clipping",
    "warn",
    limit=0.001,
    says="A recording is clipped: a larger share of its samples than the limit stays at full "
    "scale.",
    mend="record with less gain; remove what is clipped most",
)
def clipping(scene: Scene, limit: float) -> Iterator[Hit]:
    for recording, found in scene.readable:
        if found.clipped > limit:
            yield Hit((recording.relative,), found.clipped)


@rule(
    "beyond-full-scale",
    "warn",
    limit=1.0,
    says="A file of floats has samples beyond full scale, which are cut off at -1 and 1.",
    mend="scale the samples; integers that were written as floats must be divided by 32768",
)
def beyond_full_scale(scene: Scene, limit: float) -> Iterator[Hit]:
    for recording, found in scene.readable:
        if found.floats and found.peak > limit:
            yield Hit((recording.relative,), found.peak)


@rule(
    "cancelling-channels",
    "warn",
    limit=0.01,
    says="The channels cancel when they are mixed: less of their power than the limit is left "
    "(half is left of "
    "channels that have nothing in common).",
    mend="turn one channel over, or keep one alone: sox IN OUT remix 1",
)
def cancelling_channels(scene: Scene, limit: float) -> Iterator[Hit]:
    for recording, found in scene.readable:
        if found.kept < limit:
            yield Hit((recording.relative,), found.kept)


@rule(
    "low-rate",
    "warn",
    says="A recording has a lower rate than --sample-rate: its upper bands are empty, which may "
    "give its class away.",
    mend="give --sample-rate as low as the lowest rate, or leave the recordings out",
)
def low_rate(scene: Scene, _: None) -> Iterator[Hit]:
    for recording, found in scene.readable:
        if found.rate < scene.sample_rate:
            yield Hit((recording.relative,), found.rate, scene.sample_rate)
