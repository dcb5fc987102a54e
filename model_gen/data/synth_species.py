"""The species of the synthetic data set. Their bands overlap on purpose: shape and rhythm must tell them apart."""

from model_gen.data.synth_voice import Part, Species, Syllable

_CALL = (0.9, 0.8, 0.6, 0.5, 0.35, 0.2)  # overtones of a harsh call
_REED = (0.6, 0.35, 0.15)

SPECIES = (
    Species(  # slow, pure whistles that fall from note to note
        "whistler",
        (
            (Part(Syllable((3000, 3800), (2900, 3600), (0.22, 0.34)), (3, 4), (0.07, 0.12), 0.86),),
            (Part(Syllable((3300, 4000), (2700, 3200), (0.30, 0.42)), (2, 3), (0.08, 0.14), 0.90),),
        ),
        (0.3, 0.7),
    ),
    Species(  # two chirps by turns, high and low, in an even beat
        "chiffer",
        (
            (
                Part(Syllable((5600, 6400), (3900, 4400), (0.07, 0.09)), (1, 1), (0.12, 0.17)),
                Part(Syllable((4700, 5300), (3300, 3700), (0.07, 0.09)), (1, 1), (0.12, 0.17)),
            ),
            (
                Part(Syllable((5600, 6400), (3900, 4400), (0.07, 0.09)), (2, 2), (0.12, 0.17)),
                Part(Syllable((4700, 5300), (3300, 3700), (0.07, 0.09)), (1, 1), (0.12, 0.17)),
            ),
        ),
        (0.04, 0.12),
    ),
    Species(  # a fast, dry trill of falling chirps
        "triller",
        (
            (Part(Syllable((5800, 6800), (3300, 3900), (0.03, 0.04)), (14, 26), (0.02, 0.032)),),
            (
                Part(Syllable((5800, 6800), (3300, 3900), (0.03, 0.04)), (10, 16), (0.02, 0.032)),
                Part(Syllable((5000, 5600), (3000, 3400), (0.03, 0.04)), (8, 12), (0.024, 0.036)),
            ),
        ),
        (0.25, 0.6),
    ),
    Species(  # rising buzzes
        "buzzer",
        (
            (
                Part(
                    Syllable((3600, 4200), (5000, 5900), (0.35, 0.55), buzz=(95, 0.95)),
                    (1, 2),
                    (0.10, 0.18),
                ),
            ),
            (
                Part(Syllable((3900, 4400), (4000, 4500), (0.10, 0.14)), (2, 3), (0.05, 0.09)),
                Part(Syllable((3600, 4200), (5000, 5900), (0.40, 0.60), buzz=(95, 0.95)), (1, 1)),
            ),
        ),
        (0.3, 0.6),
    ),
    Species(  # harsh harmonic calls, low and even
        "croaker",
        (
            (
                Part(
                    Syllable((620, 760), (520, 620), (0.22, 0.32), 1.5, harmonics=_CALL),
                    (2, 4),
                    (0.12, 0.22),
                ),
            ),
        ),
        (0.3, 0.6),
    ),
    Species(  # a see-saw of two whistles, high then low, without slope
        "seesaw",
        (
            (
                Part(Syllable((5000, 5700), (5000, 5700), (0.10, 0.14)), (1, 1), (0.03, 0.05)),
                Part(Syllable((3600, 4100), (3500, 4000), (0.13, 0.18)), (1, 1), (0.05, 0.08)),
            ),
        ),
        (0.03, 0.06),
    ),
    Species(  # chirps that quicken and fall, and a flourish upwards
        "rattler",
        (
            (
                Part(
                    Syllable((5200, 6000), (3000, 3500), (0.06, 0.08)),
                    (7, 10),
                    (0.10, 0.14),
                    0.965,
                    0.80,
                ),
                Part(Syllable((2400, 2800), (5000, 5800), (0.16, 0.22), 1.4), (1, 1)),
            ),
        ),
        (0.3, 0.6),
    ),
    Species(  # nasal calls that rise, with a few strong overtones
        "piper",
        (
            (
                Part(
                    Syllable((1300, 1600), (2000, 2400), (0.16, 0.24), 1.8, harmonics=_REED),
                    (2, 3),
                    (0.08, 0.13),
                ),
            ),
            (
                Part(
                    Syllable((1300, 1600), (1900, 2300), (0.10, 0.14), 1.8, harmonics=_REED),
                    (4, 6),
                    (0.05, 0.08),
                ),
            ),
        ),
        (0.25, 0.55),
    ),
    Species(  # warbled low whistles with a strong vibrato
        "fluter",
        (
            (
                Part(
                    Syllable((1900, 2400), (2300, 2900), (0.30, 0.45), vibrato=(14, 0.06)),
                    (1, 2),
                    (0.06, 0.12),
                ),
                Part(
                    Syllable((2700, 3200), (1800, 2200), (0.22, 0.34), vibrato=(22, 0.04)),
                    (1, 2),
                    (0.06, 0.12),
                ),
            ),
        ),
        (0.25, 0.6),
    ),
    Species(  # an endless reel, close to an insect's
        "reeler",
        ((Part(Syllable((5300, 6000), (5100, 5800), (0.014, 0.018)), (40, 80), (0.016, 0.022)),),),
        (0.1, 0.3),
    ),
)
