"""The folders of shards beside the registry: which of them are of no use, and how they go.

A folder that the registry does not name, not yet or no longer, is marked by an empty file of its name in `passing/` for
as long as that is so. Only what is marked, or empty, is removed: anything else that the registry does not name was put
there by somebody else, or belongs to another registry.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import threading
from collections.abc import Collection
from pathlib import Path
from uuid import uuid4

from langchain_qdrant_async.engine.shards.files import check_free
from langchain_qdrant_async.engine.status import data_loss

_log = logging.getLogger(__name__)


class Folders:
    """The folders of the shards of one engine."""

    def __init__(self, folder: Path) -> None:
        """Name them; nothing is read.

        Args:
            folder: the engine's folder.
        """
        self._path = folder / "collections"
        self._marks = folder / "passing"
        self._removing: list[threading.Thread] = []

    def of(self, name: str) -> Path:
        """The folder of this name."""
        return self._path / name

    def new(self) -> Path:
        """A folder that is not there and has no use until it is settled."""
        folder = self._path / uuid4().hex
        self.mark(folder)
        return folder

    def mark(self, folder: Path) -> None:
        """Note that a folder is of no use if the registry does not name it."""
        self._marks.mkdir(exist_ok=True)
        (self._marks / folder.name).touch()

    def settle(self, folder: Path) -> None:
        """Note that the registry names a folder."""
        (self._marks / folder.name).unlink(missing_ok=True)

    def discard(self, folder: Path) -> None:
        """Remove a folder that nobody uses any more, aside: it takes 200 ms. What a crash leaves is swept later."""
        self._removing = [thread for thread in self._removing if thread.is_alive()]
        thread = threading.Thread(target=self._remove, args=(folder,))
        self._removing.append(thread)
        thread.start()

    def wait(self) -> None:
        """Return when all that was discarded is gone."""
        for thread in self._removing:
            thread.join()

    def sweep(self, known: Collection[str], *, registered: bool) -> None:
        """Check that nobody else holds the registry's folders, and remove what a crash left.

        Args:
            known: the names that the registry has.
            registered: whether there is a registry.

        Raises:
            Refusal: another program holds a shard, or the registry of these folders has been lost.
        """
        found = {entry.name: self.of(entry.name) for entry in (*self._path.glob("*"), *self._marks.glob("*"))}
        unknown = {name for name in found.keys() - known if not self._is_passing(found[name])}
        if unknown and not registered:
            raise data_loss(f"{self._path} holds collections, and the registry.json that names them is missing")
        for name in unknown:
            _log.warning("%s is none of this engine's collections: left alone", found[name])
        for name in known:
            check_free(self.of(name))
            self.settle(self.of(name))
        for name in found.keys() - known - unknown:
            self.discard(found[name])

    def _is_passing(self, folder: Path) -> bool:
        """Whether a folder is certainly of no use."""
        return not folder.is_symlink() and ((self._marks / folder.name).exists() or not any(folder.rglob("*")))

    def _remove(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            with contextlib.suppress(OSError):
                self.settle(folder)
