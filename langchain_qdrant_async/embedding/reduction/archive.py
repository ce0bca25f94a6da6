"""Reads the arrays of an .npz file that may come from anybody: nothing in it is larger than the file itself."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def stored_arrays(content: bytes, names: Sequence[str]) -> list[NDArray[Any]]:
    """The arrays of these names; what else there is stays unread, for entries of a zip file may share their bytes.

    Raises:
        ValueError: one is compressed, has another size than its header says, or holds objects. Bytes that are no such
            file raise what zipfile does.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [_array(archive, archive.getinfo(f"{name}.npy")) for name in names]


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    """One array. `numpy.load` would inflate it, and make room for what its header says before it reads."""
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{info.filename} is compressed, which it never is")
    file = io.BytesIO(archive.read(info))
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError(f"the header of {info.filename} has another version")
    shape, in_columns, kind = np.lib.format.read_array_header_1_0(file)
    return np.frombuffer(file.read(), kind).reshape(shape, order="F" if in_columns else "C")
