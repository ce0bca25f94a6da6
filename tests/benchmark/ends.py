"""How long programs take to end: whatever is open, at Ctrl-C, and while a real model is loaded or computes.

python -m tests.benchmark.ends [--models 20] [--seed 1]

Beside each figure of a real model stands how long the interpreter takes to end with torch loaded and nothing of ours.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.integration.cli.test_ctrl_c import MOMENTS
from tests.integration.cli.test_ctrl_c import PROGRAM as COMMAND
from tests.integration.test_exit import HEAD, INTERRUPTED, PROGRAMS
from tests.programs import Ended, run_program

MOST_S = 3.0
MOST_AT_CTRL_C_S = 1.0
_WITH_TORCH = "import sentence_transformers, torch\nmark()\n"
_TEXTS = """
texts = [f"text number {n} of some words that say nothing " * (n % 7 + 1) for n in range(20_000)]
store = store_of(SentenceTransformerEmbeddings("all-MiniLM-L6-v2"))
"""
_MODELS = {
    "exit while texts are written": "aside(store.add_texts, texts)\ntime.sleep({moment})\nmark()",
    "exit while queries are asked": "aside(lambda: [store.similarity_search(each) for each in texts])\n"
    "time.sleep({moment})\nmark()",
    "Ctrl-C in a blocking call": "threading.Timer({moment}, mark).start()\nstore.add_texts(texts)",
    "Ctrl-C in a coroutine": "threading.Timer({moment}, mark).start()\nasyncio.run(store.aadd_texts(texts))",
}


class Finding(NamedTuple):
    """How one program ended."""

    name: str
    ended: Ended
    most_s: float
    """Seconds that it may have taken."""

    @property
    def fine(self) -> bool:
        """Whether that is as it should be: soon, and with nothing said but that it was interrupted."""
        said = self.ended.complained.replace("Loading weights", "")
        crashed = self.ended.code < 0 and self.ended.code != -2
        noisy = any(each in said for each in ("Exception in", "ignored", "destroyed", "terminate", "Fatal"))
        return self.ended.took_s < self.most_s and not crashed and not noisy


def ordinary() -> Iterator[Finding]:
    """Ends of programs, at Ctrl-C and not, without a real model."""
    for name, program in PROGRAMS.items():
        yield Finding(name, run_program(HEAD + program), MOST_S)
    waiting = "aside(lambda: [entered.wait(30), mark()])\n"
    for name, program in INTERRUPTED.items():
        yield Finding(f"Ctrl-C: {name}", run_program(HEAD + waiting + program, ctrl_c=True), MOST_AT_CTRL_C_S)


def commands() -> Iterator[Finding]:
    """Ends of commands at Ctrl-C."""
    for name, (module, target, double, command) in MOMENTS.items():
        with TemporaryDirectory() as folder:
            program = COMMAND.format(module=module, name=target, double=double)
            ended = run_program(program, *command, "--path", str(Path(folder)), ctrl_c=True)
        yield Finding(f"Ctrl-C: {name}", ended, MOST_AT_CTRL_C_S)


def models(count: int, seed: int) -> Iterator[Finding]:
    """Ends at any moment of a real model's loading and computing."""
    chance = random.Random(seed)
    plain_s = max(run_program(_WITH_TORCH).took_s for _ in range(3))
    print(f"{plain_s:6.2f} s  torch alone")
    for number in range(count):
        name = list(_MODELS)[number % len(_MODELS)]
        moment = round(chance.uniform(0.1, 9.0), 2)
        program = HEAD + _TEXTS + _MODELS[name].format(moment=moment)
        ended = run_program(program, ctrl_c=name.startswith("Ctrl-C"))
        yield Finding(f"{name}, after {moment} s", ended, MOST_S + plain_s)


def main() -> int:
    """Print them all; 1 if one is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=20, help="how many programs with a real model")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    bad = 0
    for each in chain(ordinary(), commands(), models(given.models, given.seed)):
        print(f"{each.ended.took_s:6.2f} s  {'' if each.fine else 'BAD '}{each.name}", flush=True)
        if not each.fine:
            print(each.ended.complained[-800:])
        bad += not each.fine
    return bool(bad)


if __name__ == "__main__":
    raise SystemExit(main())
