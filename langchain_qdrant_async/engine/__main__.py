"""`python -m langchain_qdrant_async.engine FOLDER [--listen HOST:PORT ...]`."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from langchain_qdrant_async.engine.process.options import Options, parse
from langchain_qdrant_async.rendezvous import FAILED, HELD_TOO_LONG, LOCK_FILE, SERVED_ALREADY

if TYPE_CHECKING:
    from langchain_qdrant_async.engine.process.folder import EngineFolder
    from langchain_qdrant_async.engine.process.lifetime import EngineProcess

_log = logging.getLogger("langchain_qdrant_async.engine")

_PATIENCE_S = 10.0
_INTERRUPTED = 130
"""Ctrl-C before there was anything to stop."""


def main() -> int:
    """Serve a folder; the exit code."""
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # `serve` kept it back until here
        return _serve_folder()
    except KeyboardInterrupt:
        return _INTERRUPTED


def _serve_folder() -> int:
    os.umask(0o077)
    faulthandler.enable()  # a signal that ends the process leaves its stack in the log
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)
    options = parse()

    from langchain_qdrant_async.engine.process.folder import EngineFolder, HeldTooLong, ServedAlready

    try:
        folder = EngineFolder(options.folder.absolute(), patience_s=_PATIENCE_S, ephemeral=options.ephemeral)
    except ServedAlready:
        if options.listener is None:
            return SERVED_ALREADY
        _log.error("another engine serves %s: close what uses it, then serve it", options.folder)
        return FAILED
    except HeldTooLong:
        _log.error("another process holds %s/%s", options.folder, LOCK_FILE)
        return HELD_TOO_LONG
    except OSError as error:
        _log.error("%s cannot be used: %s", options.folder, error)
        return FAILED
    return asyncio.run(_serve(folder, options))


async def _serve(folder: EngineFolder, options: Options) -> int:
    from langchain_qdrant_async.engine.status import Refusal

    try:
        process = _open(folder, options)
    except Refusal as refusal:
        _log.error("%s", refusal)
        return FAILED
    try:
        await process.run()
    except (OSError, RuntimeError, ValueError) as error:
        if options.listener is None:
            raise
        _log.error("cannot serve on %s: %s", options.listener.address, error)
        return FAILED
    os._exit(0)  # everything is closed, and the interpreter's own end would take as long as all that did


def _open(folder: EngineFolder, options: Options) -> EngineProcess:
    """The process with the folder's collections; the folder is released if they cannot be opened."""
    try:
        from langchain_qdrant_async.engine.process.lifetime import EngineProcess

        return EngineProcess(folder, options)
    except BaseException:
        folder.release()
        raise


def _end(code: int) -> NoReturn:
    """End at once: all is on disk, and who waits for the process need not wait for the interpreter to be taken down."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    _end(main())
