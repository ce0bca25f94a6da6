"""Floats as Qdrant gives them back.

Qdrant keeps a payload as JSON text and reads it with serde_json's fast parser, which is not exact: of floats that need
16 or 17 digits, about one in ten comes back off by one unit in the last place (measured: 1,486 of 9,003, each as
`as_stored` says). So the store writes such a float down once more as text, and asks filters for both values.

Source: `impl Blob for Payload` in Qdrant's `mmap_payload_storage.rs`; `f64_from_parts` in serde_json's `de.rs`, as it
is without the feature `float_roundtrip`.
"""

from __future__ import annotations

import math

_LARGEST_POWER = 308


def as_stored(value: float) -> float:
    """What a float is after it has been in a payload."""
    significand, exponent = _parts(repr(abs(value)))
    return math.copysign(_from_parts(float(significand), exponent), value)


def to_store(value: float) -> float:
    """The float to write so that this one is stored: for copying what came out of a payload without changing it again.

    It is the value itself or a neighbour; the value itself where there is none, which then was never stored.
    """
    near, far = (math.nextafter(value, towards) for towards in (-math.inf, math.inf))
    candidates = (value, near, far, math.nextafter(near, -math.inf), math.nextafter(far, math.inf))
    return next((each for each in candidates if math.isfinite(each) and as_stored(each) == value), value)


def _parts(text: str) -> tuple[int, int]:
    """The digits of a number as one integer, and the power of ten to multiply it by."""
    digits, _, exponent = text.partition("e")
    whole, _, fraction = digits.partition(".")
    return int(whole + fraction), int(exponent or 0) - len(fraction)


def _from_parts(number: float, exponent: int) -> float:
    while exponent < -_LARGEST_POWER and number:
        number /= 1e308
        exponent += _LARGEST_POWER
    if exponent < -_LARGEST_POWER:
        return number
    power = float(f"1e{abs(exponent)}")
    return number * power if exponent >= 0 else number / power


def between(value: float) -> tuple[float, float]:
    """The lower and the upper of a float as given and as stored.

    A payload index may hold the one and the payload itself the other.
    """
    value = float(value)
    stored = as_stored(value)
    return min(value, stored), max(value, stored)
